//! The checks section.

use std::time::Duration;

use engine::failure::Failure;
use regex::Regex;
use url::Url;

use super::Context;
use crate::spec::check::{Asks, Check, Http, Metric, Port, Source, Target, Wanted};
use crate::spec::raw;
use crate::spec::read::Placed;
use crate::spec::tree::Span;
use crate::spec::value::is_label;

/// How long a check may take that says nothing else.
const DEADLINE: Duration = Duration::from_secs(120);
/// The kinds that there are.
const KINDS: &str = "`http`, `command`, `condition` or `metric`";

pub fn convert(written: Option<&Placed<Vec<Placed<raw::Check>>>>, context: &mut Context<'_, '_>) -> Vec<Check> {
    let mut checks: Vec<Check> = Vec::new();
    for placed in written.map(|list| list.value.as_slice()).unwrap_or_default() {
        context.required(&placed.given, "name", placed.span, "the check");
        let name = placed.name.as_ref();
        if let Some(name) = name.filter(|name| checks.iter().any(|check| check.name == name.0)) {
            let failure = Failure::invalid(format!("the check `{}` is here twice", name.0));
            context.invalid(name.span, failure.hint("Give each a name of its own."));
        }
        let Some(asks) = asks(placed, context) else { continue };
        checks.push(Check {
            name: name.map(|name| name.0.clone()).unwrap_or_default(),
            deadline: placed.deadline.as_ref().map_or(DEADLINE, |deadline| deadline.0),
            asks,
            place: context.problems.place(name.map_or(placed.span, |name| name.span)),
        });
    }
    checks
}

/// What it asks: one thing. None where that cannot be told, which has been reported.
fn asks(written: &Placed<raw::Check>, context: &mut Context<'_, '_>) -> Option<Asks> {
    let kinds = ["http", "command", "condition", "metric"];
    let given = written.given.iter().filter(|key| kinds.contains(&key.as_str())).count();
    if given != 1 {
        let what = if given == 0 { "the check asks nothing" } else { "a check asks one thing" };
        context.invalid(written.span, Failure::invalid(what).hint(format!("Write {KINDS}.")));
        return None;
    }
    match (&written.http, &written.command, &written.condition, &written.metric) {
        (Some(http), ..) => self::http(http, context).map(Asks::Http),
        (_, Some(words), ..) => command(words, context).map(Asks::Command),
        (_, _, Some(condition), _) => Some(Asks::Condition(self::condition(condition, context))),
        (.., Some(metric)) => self::metric(metric, context).map(Asks::Metric),
        // Its value was of the wrong type.
        _ => None,
    }
}

fn http(written: &Placed<raw::Http>, context: &mut Context<'_, '_>) -> Option<Http> {
    if let Some(status) = written.status.as_ref().filter(|status| !(100..600).contains(&status.value)) {
        let failure = Failure::invalid(format!("{} is no HTTP status", status.value));
        context.invalid(status.span, failure.hint("They go from 100 to 599."));
    }
    if let Some(matches) = &written.matches
        && let Err(error) = Regex::new(matches)
    {
        let failure = Failure::invalid("this is no regular expression").cause(last_line(&error.to_string()));
        context.invalid(matches.span, failure.hint("The syntax is that of https://docs.rs/regex."));
    }
    let target = target(written, context);
    Some(Http {
        target: target?,
        path: path(written.path.as_ref(), "/", context),
        status: written.status.as_ref().map_or(200, |status| status.value),
        body: written.body.as_ref().map(|body| body.value.clone()),
        matches: written.matches.as_ref().map(|matches| matches.value.clone()),
    })
}

fn target(written: &Placed<raw::Http>, context: &mut Context<'_, '_>) -> Option<Target> {
    let targets = ["service", "loadBalancer", "ingress", "url"];
    if written.given.iter().filter(|key| targets.contains(&key.as_str())).count() != 1 {
        let failure = Failure::invalid("a request goes to one of `service`, `loadBalancer`, `ingress` and `url`");
        context.invalid(written.span, failure.hint("For example `service: apps/sample:8080`."));
        return None;
    }
    if let Some(service) = &written.service {
        return port(service, context).map(Target::Service);
    }
    if let Some(service) = &written.load_balancer {
        return port(service, context).map(Target::LoadBalancer);
    }
    if let Some(ingress) = &written.ingress {
        let Some((namespace, name)) = ingress.split_once('/').filter(|(a, b)| is_label(a) && is_name(b)) else {
            let failure = Failure::invalid(format!("`{}` names no Ingress", ingress.value));
            context.invalid(ingress.span, failure.hint("Write NAMESPACE/NAME, as in `apps/sample`."));
            return None;
        };
        return Some(Target::Ingress { namespace: namespace.into(), name: name.into() });
    }
    let url = written.url.as_ref()?;
    if Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
        let meaningless = [("path", super::span(written.path.as_ref()))];
        context.meaningless(&meaningless, "`url` has a path of its own");
        return Some(Target::Url(url.value.clone()));
    }
    let failure = Failure::invalid(format!("`{}` is no URL of HTTP", url.value));
    context.invalid(url.span, failure.hint("Write http://HOST/PATH or https://HOST/PATH."));
    None
}

/// `namespace/name:port`.
fn port(written: &Placed<String>, context: &mut Context<'_, '_>) -> Option<Port> {
    let parts = written.split_once('/').and_then(|(namespace, rest)| Some((namespace, rest.split_once(':')?)));
    let number = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    match parts {
        Some((namespace, (service, port)))
            if is_label(namespace) && is_label(service) && (number(port) || is_port_name(port)) =>
        {
            Some(Port { namespace: namespace.into(), service: service.into(), port: port.into() })
        }
        _ => {
            let failure = Failure::invalid(format!("`{}` names no port of a Service", written.value));
            context.invalid(written.span, failure.hint("Write NAMESPACE/NAME:PORT, as in `apps/sample:8080`."));
            None
        }
    }
}

fn is_port_name(port: &str) -> bool {
    is_label(port) && port.len() <= 15 && port.contains(|c: char| c.is_ascii_lowercase())
}

/// A DNS subdomain (RFC 1123).
fn is_name(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_label)
}

fn path(written: Option<&Placed<String>>, default: &str, context: &mut Context<'_, '_>) -> String {
    let Some(path) = written else { return default.into() };
    if !path.starts_with('/') || path.contains(|c: char| c.is_whitespace() || c == '#') {
        let failure = Failure::invalid(format!("`{}` is no path of a request", path.value));
        context.invalid(path.span, failure.hint("It begins with a slash, and spaces in it are written %20."));
    }
    path.value.clone()
}

fn command(written: &Placed<Vec<Placed<String>>>, context: &mut Context<'_, '_>) -> Option<Vec<String>> {
    let mut words: Vec<String> = written.iter().map(|word| word.value.clone()).collect();
    let Some(program) = words.first_mut() else {
        let failure = Failure::invalid("the command is empty");
        context.invalid(written.span, failure.hint("Write the program and its arguments: [./smoke-test, --quick]."));
        return None;
    };
    // A path starts from the spec's directory, like every other; a bare name is looked for in PATH.
    if program.contains('/') {
        *program = context.path(&written.value[0], "the check's program", false).to_string_lossy().into_owned();
    }
    Some(words)
}

fn condition(written: &Placed<raw::Condition>, context: &mut Context<'_, '_>) -> Wanted {
    for key in ["kind", "name", "type"] {
        context.required(&written.given, key, written.span, "`condition`");
    }
    let text = |field: Option<&Placed<String>>, default: &str| {
        field.map_or_else(|| default.to_owned(), |field| field.value.clone())
    };
    Wanted {
        api_version: text(written.api_version.as_ref(), "v1"),
        kind: text(written.kind.as_ref(), ""),
        namespace: written.namespace.as_ref().map(|namespace| namespace.0.clone()),
        name: text(written.name.as_ref(), ""),
        condition: text(written.r#type.as_ref(), ""),
        status: text(written.status.as_ref(), "True"),
    }
}

fn metric(written: &Placed<raw::Metric>, context: &mut Context<'_, '_>) -> Option<Metric> {
    context.required(&written.given, "service", written.span, "`metric`");
    let bound = |field: Option<&Placed<crate::spec::read::Number>>| field.map(|number| number.0);
    let (at_least, at_most) = (bound(written.at_least.as_ref()), bound(written.at_most.as_ref()));
    bounds(written, at_least, at_most, written.span, context);
    let source = source(written, context);
    let service = written.service.as_ref().and_then(|service| port(service, context));
    Some(Metric { service: service?, source: source?, at_least, at_most })
}

fn bounds(
    written: &Placed<raw::Metric>,
    at_least: Option<f64>,
    at_most: Option<f64>,
    span: Span,
    context: &mut Context<'_, '_>,
) {
    let given = |key: &str| written.given.iter().any(|given| given == key);
    if !given("atLeast") && !given("atMost") {
        let failure = Failure::invalid("the metric has no bound");
        context.invalid(span, failure.hint("Write `atLeast`, `atMost` or both."));
    }
    if let (Some(least), Some(most), Some(at)) = (at_least, at_most, &written.at_most)
        && least > most
    {
        let failure = Failure::invalid(format!("nothing is at least {least} and at most {most}"));
        context.invalid(at.span, failure.hint("Swap `atLeast` and `atMost`."));
    }
}

fn source(written: &Placed<raw::Metric>, context: &mut Context<'_, '_>) -> Option<Source> {
    match (&written.query, &written.sample) {
        (Some(query), None) => {
            let meaningless =
                [("labels", super::span(written.labels.as_ref())), ("path", super::span(written.path.as_ref()))];
            context.meaningless(&meaningless, "`query` says it all");
            Some(Source::Query(query.value.clone()))
        }
        (None, Some(sample)) => {
            let labels = written.labels.as_ref().map(|labels| labels.value.0.as_slice()).unwrap_or_default();
            Some(Source::Sample {
                path: path(written.path.as_ref(), "/metrics", context),
                name: sample.value.clone(),
                labels: labels.iter().map(|(name, value)| (name.value.clone(), value.value.clone())).collect(),
            })
        }
        _ => {
            let failure = Failure::invalid("a metric is either a `query` or a `sample`");
            let hint = "`query` is asked of Prometheus; `sample` is looked for at the Service's /metrics.";
            context.invalid(written.span, failure.hint(hint));
            None
        }
    }
}

/// The last line of the regular expression's parser is what is wrong.
fn last_line(text: &str) -> String {
    text.lines().next_back().unwrap_or_default().trim_start_matches("error: ").to_owned()
}
