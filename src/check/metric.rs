//! A number that must be within bounds.

use serde_json::Value;
use url::form_urlencoded::byte_serialize;

use super::Way;
use super::answer::{Answer, shortened};
use super::samples::sum;
use crate::spec::{Metric, Source};

/// Looks once: the numbers if all are within the bounds, else what is there.
pub async fn look(wanted: &Metric, way: &Way) -> Result<String, String> {
    let numbers = match &wanted.source {
        Source::Query(query) => {
            let path = format!("/api/v1/query?query={}", byte_serialize(query.as_bytes()).collect::<String>());
            let answer = Answer::of_service(&way.client, &wanted.service, &path).await?;
            let parsed: Value = serde_json::from_str(&answer.body).map_err(|_| answer.shown())?;
            series(&parsed).ok_or_else(|| answer.shown())?
        }
        Source::Sample { path, name, labels } => {
            let answer = Answer::of_service(&way.client, &wanted.service, path).await?;
            if answer.status != 200 {
                return Err(answer.shown());
            }
            sum(&answer.body, name, labels).into_iter().map(|sum| (name.clone(), sum)).collect()
        }
    };
    judge(wanted, &numbers)
}

fn judge(wanted: &Metric, numbers: &[(String, f64)]) -> Result<String, String> {
    if numbers.is_empty() {
        return Err("there is no such sample".into());
    }
    let shown: Vec<String> = numbers.iter().map(|(name, number)| format!("{name} = {number}")).collect();
    let shown = shortened(&shown.join(", "));
    // What is no number is within no bounds.
    let within = |number: f64| {
        wanted.at_least.is_none_or(|least| number >= least) && wanted.at_most.is_none_or(|most| number <= most)
    };
    if numbers.iter().all(|(_, number)| within(*number)) { Ok(shown) } else { Err(shown) }
}

/// The series in what Prometheus answered (its HTTP API, version 1): a vector or a scalar.
fn series(answer: &Value) -> Option<Vec<(String, f64)>> {
    let data = answer.get("data").filter(|_| answer["status"] == "success")?;
    let number = |value: &Value| value.get(1)?.as_str()?.parse::<f64>().ok();
    match data["resultType"].as_str()? {
        "scalar" => Some(vec![("the answer".into(), number(&data["result"])?)]),
        "vector" => {
            let one = |item: &Value| Some((labels(&item["metric"]), number(&item["value"])?));
            data["result"].as_array()?.iter().map(one).collect()
        }
        _ => None,
    }
}

fn labels(metric: &Value) -> String {
    match metric.as_object().filter(|labels| !labels.is_empty()) {
        Some(labels) => {
            let pairs = labels.iter().map(|(name, value)| format!("{name}={value}"));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
        }
        None => "the answer".into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::spec::Port;

    fn wanted(at_least: Option<f64>, at_most: Option<f64>) -> Metric {
        let service = Port { namespace: "m".into(), service: "p".into(), port: "9090".into() };
        Metric { service, source: Source::Query("up".into()), at_least, at_most }
    }

    #[test]
    fn what_prometheus_answers_is_read() {
        let item = |instance: &str, value: &str| json!({"metric": {"instance": instance}, "value": [1.5, value]});
        let vector = json!({"status": "success", "data": {"resultType": "vector", "result": [item("a", "1"), item("b", "0.5")]}});
        let numbers = series(&vector).unwrap();
        assert_eq!(judge(&wanted(Some(0.5), None), &numbers), Ok(r#"{instance="a"} = 1, {instance="b"} = 0.5"#.into()));
        assert!(judge(&wanted(Some(0.6), None), &numbers).is_err());
        assert!(judge(&wanted(None, Some(0.6)), &numbers).is_err());
        let scalar = json!({"status": "success", "data": {"resultType": "scalar", "result": [1.5, "NaN"]}});
        assert!(judge(&wanted(Some(0.0), None), &series(&scalar).unwrap()).is_err(), "no number is within no bounds");
        let empty = json!({"status": "success", "data": {"resultType": "vector", "result": []}});
        assert_eq!(judge(&wanted(None, Some(1.0)), &series(&empty).unwrap()), Err("there is no such sample".into()));
        assert_eq!(series(&json!({"status": "error", "error": "parse error"})), None);
    }
}
