//! A GET request whose status and body are looked at.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::Ingress;
use kube::Client;
use kube::api::Api;
use regex::Regex;

use super::Way;
use super::answer::Answer;
use crate::kube::failed;
use crate::spec::{Http, Port, Target};

/// Looks once: the answer if it is the wanted one, else why not.
pub async fn look(wanted: &Http, way: &Way) -> Result<String, String> {
    let path = wanted.path.as_str();
    let answer = match &wanted.target {
        Target::Service(port) => Answer::of_service(&way.client, port, path).await?,
        Target::LoadBalancer(port) => {
            let address = balancer(&way.client, port).await?;
            ask(&format!("http://{address}{path}"), None).await?
        }
        Target::Ingress { namespace, name } => {
            let (address, host) = ingress(&way.client, namespace, name).await?;
            ask(&format!("http://{address}{path}"), host.as_deref()).await?
        }
        Target::Url(url) => ask(url, None).await?,
    };
    judge(wanted, &answer)
}

fn judge(wanted: &Http, answer: &Answer) -> Result<String, String> {
    let shown = answer.shown();
    if answer.status != wanted.status {
        return Err(format!("{shown} (wanted: {})", wanted.status));
    }
    if let Some(body) = wanted.body.as_ref().filter(|body| !answer.body.contains(*body)) {
        return Err(format!("{shown} (`{body}` is not in it)"));
    }
    // The spec was read: its expressions are good.
    let unmatched = |text: &&String| Regex::new(text).is_ok_and(|expression| !expression.is_match(&answer.body));
    match wanted.matches.as_ref().filter(unmatched) {
        Some(expression) => Err(format!("{shown} (`{expression}` does not match)")),
        None => Ok(shown),
    }
}

/// Asks an address directly, for a host if it serves several.
async fn ask(url: &str, host: Option<&str>) -> Result<Answer, String> {
    // The first one installed stays; it is the same one wherever it is installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        // The cluster is not behind the proxy that leads out.
        .no_proxy()
        .user_agent(concat!("seedbed/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| error.to_string())?;
    let mut request = client.get(url);
    if let Some(host) = host {
        request = request.header("host", host);
    }
    let told = |error: reqwest::Error| format!("{url}: {}", deepest(&error));
    let answer = request.send().await.map_err(told)?;
    let status = answer.status().as_u16();
    Ok(Answer { status, body: answer.text().await.map_err(told)? })
}

fn deepest(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

/// The address and port of a load balancer.
async fn balancer(client: &Client, port: &Port) -> Result<String, String> {
    let api: Api<Service> = Api::namespaced(client.clone(), &port.namespace);
    let found = api.get(&port.service).await.map_err(|error| failed("", &error).causes.concat())?;
    let ports = found.spec.and_then(|spec| spec.ports).unwrap_or_default();
    let same = |name: &Option<String>| name.as_deref() == Some(port.port.as_str());
    let number = match port.port.parse() {
        Ok(number) => number,
        Err(_) => ports.iter().find(|known| same(&known.name)).ok_or(format!("it has no port {}", port.port))?.port,
    };
    let addresses = found.status.and_then(|status| status.load_balancer?.ingress).unwrap_or_default();
    let first = addresses.first().and_then(|first| first.ip.clone().or(first.hostname.clone()));
    let address = first.ok_or("the Service has no address yet: does anything give addresses to load balancers?")?;
    Ok(format!("{}:{number}", bracketed(&address)))
}

/// The address of an Ingress, and the first host that it serves.
async fn ingress(client: &Client, namespace: &str, name: &str) -> Result<(String, Option<String>), String> {
    let api: Api<Ingress> = Api::namespaced(client.clone(), namespace);
    let found = api.get(name).await.map_err(|error| failed("", &error).causes.concat())?;
    let rules = found.spec.and_then(|spec| spec.rules).unwrap_or_default();
    let host = rules.into_iter().find_map(|rule| rule.host).map(|host| host.replacen('*', "any", 1));
    let addresses = found.status.and_then(|status| status.load_balancer?.ingress).unwrap_or_default();
    let first = addresses.first().and_then(|first| first.ip.clone().or(first.hostname.clone()));
    let address = first.ok_or("the Ingress has no address yet: does an ingress controller run?")?;
    Ok((bracketed(&address), host))
}

/// An IPv6 address stands in brackets in a URL.
fn bracketed(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_body_are_judged() {
        let url = Target::Url("http://10.0.0.1/".into());
        let mut wanted = Http { target: url, path: "/".into(), status: 200, body: None, matches: None };
        let answer = |status, body: &str| Answer { status, body: body.into() };
        assert_eq!(judge(&wanted, &answer(200, "hello")), Ok("200: hello".into()));
        assert_eq!(judge(&wanted, &answer(404, "no")), Err("404: no (wanted: 200)".into()));
        wanted.body = Some("hell".into());
        assert!(judge(&wanted, &answer(200, "hello")).is_ok());
        assert_eq!(judge(&wanted, &answer(200, "heaven")), Err("200: heaven (`hell` is not in it)".into()));
        wanted.matches = Some("^h.*o$".into());
        assert!(judge(&wanted, &answer(200, "hello")).is_ok());
        assert_eq!(judge(&wanted, &answer(200, "hell!")), Err("200: hell! (`^h.*o$` does not match)".into()));
    }
}
