//! Objects of the API as they may be shown: without values under telling names, and without what only machines read.

use engine::event::MASK;
use serde_json::Value;

/// Names end with one of these where their value is a secret.
const TELLING: [&str; 10] = [
    "password",
    "passwd",
    "passphrase",
    "token",
    "secret",
    "apikey",
    "privatekey",
    "accesskey",
    "credential",
    "credentials",
];

/// The annotation that repeats the whole object.
const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Makes an object, or a list of them, fit to be shown; `masked` masks what a text holds.
pub fn show(value: &mut Value, masked: &dyn Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = masked(text),
        Value::Array(values) => values.iter_mut().for_each(|value| show(value, masked)),
        Value::Object(fields) => {
            fields.remove("managedFields");
            if let Some(Value::Object(annotations)) = fields.get_mut("annotations") {
                annotations.remove(APPLIED);
            }
            let named = fields.get("name").and_then(Value::as_str).is_some_and(is_telling);
            for (name, value) in fields {
                match value {
                    // An environment variable has its name beside its value. An object only says where a secret is.
                    Value::String(text) if is_telling(name) || (named && name == "value") => MASK.clone_into(text),
                    other => show(other, masked),
                }
            }
        }
        _ => {}
    }
}

fn is_telling(name: &str) -> bool {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    // Charts call the name of a Secret that the user has made `existingSecret`.
    TELLING.iter().any(|word| name.ends_with(word)) && !name.contains("existing")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_go_and_names_of_secrets_stay() {
        let mut pod = json!({
            "metadata": {"name": "web", "managedFields": [1], "annotations": {APPLIED: "{}", "a": "b"}},
            "spec": {
                "containers": [{"env": [
                    {"name": "DB_PASSWORD", "value": "hunter2"},
                    {"name": "API_TOKEN", "valueFrom": {"secretKeyRef": {"name": "web", "key": "token"}}},
                    {"name": "LEVEL", "value": "info"},
                ]}],
                "volumes": [{"secret": {"secretName": "web-tls"}}],
                "values": {"admin": {"password": "hunter2", "existingSecret": "admin"}, "api_key": "k", "replicas": 2},
            },
        });
        show(&mut pod, &str::to_owned);
        let expected = json!({
            "metadata": {"name": "web", "annotations": {"a": "b"}},
            "spec": {
                "containers": [{"env": [
                    {"name": "DB_PASSWORD", "value": MASK},
                    {"name": "API_TOKEN", "valueFrom": {"secretKeyRef": {"name": "web", "key": "token"}}},
                    {"name": "LEVEL", "value": "info"},
                ]}],
                "volumes": [{"secret": {"secretName": "web-tls"}}],
                "values": {"admin": {"password": MASK, "existingSecret": "admin"}, "api_key": MASK, "replicas": 2},
            },
        });
        assert_eq!(pod, expected);
    }
}
