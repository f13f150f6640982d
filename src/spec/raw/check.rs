//! The checks section.

use crate::spec::period::Period;
use crate::spec::read::{Named, Number, Placed, record};
use crate::spec::value::Label;

record! {
    /// What must hold once everything is Ready: exactly one of `http`, `command`, `condition` and `metric`. It is asked
    /// again until it holds, or its deadline has passed; then `up` ends with exit code 6.
    Check {
        /// Its name, a DNS label.
        #[schemars(required, example = &"the-sample-answers")]
        name: Label,
        /// How long it may take to hold: `30s`, `2m`, `1h`. Default: 2m.
        deadline: Period,
        /// A GET request, whose status and body are looked at.
        http: Http,
        /// A program and its arguments, run on this workstation without a shell, with KUBECONFIG set; it must end with 0.
        #[schemars(example = ["./smoke-test", "--quick"])]
        command: Vec<Placed<String>>,
        /// A condition in the status of a Kubernetes object.
        condition: Condition,
        /// A number that the cluster reports of itself.
        metric: Metric,
    }
}

record! {
    /// A GET request, of exactly one of `service`, `loadBalancer`, `ingress` and `url`. Redirects are not followed.
    Http {
        /// NAMESPACE/NAME:PORT of a Service, reached through the API server from wherever that is reached.
        #[schemars(example = "apps/sample:8080")]
        service: String,
        /// NAMESPACE/NAME:PORT of a Service of type `LoadBalancer`; the address that it got is asked from this workstation.
        #[schemars(example = "apps/sample:80")]
        load_balancer: String,
        /// NAMESPACE/NAME of an Ingress; the address that it got is asked, on port 80 and for its first host.
        #[schemars(example = "apps/sample")]
        ingress: String,
        /// An address that this workstation reaches.
        #[schemars(example = "http://10.20.30.200/")]
        url: String,
        /// The path, with a query if it needs one. Default: /.
        #[schemars(example = "/healthz")]
        path: String,
        /// The status that must be answered. Default: 200.
        #[schemars(range(min = 100, max = 599))]
        status: u16,
        /// What the body must hold.
        body: String,
        /// A regular expression that must match somewhere in the body.
        #[schemars(example = "^ok")]
        matches: String,
    }
}

record! {
    /// A condition in the status of a Kubernetes object, as `kubectl wait --for=condition` looks at it.
    Condition {
        /// The object's API version. Default: v1.
        #[schemars(example = "apps/v1")]
        api_version: String,
        /// Its kind.
        #[schemars(required, example = &"Deployment")]
        kind: String,
        /// Its namespace; none for what lies in none.
        namespace: Label,
        /// Its name.
        #[schemars(required, example = &"sample")]
        name: String,
        /// The condition's type.
        #[schemars(required, example = &"Available")]
        r#type: String,
        /// The status that it must have, a quoted text. Default: "True".
        status: String,
    }
}

record! {
    /// A number within bounds: either a sample that a Service shows at its metrics path, or the answer of Prometheus to a query.
    Metric {
        /// NAMESPACE/NAME:PORT of the Service that is asked, through the API server.
        #[schemars(required, example = "monitoring/prometheus-operated:9090")]
        service: String,
        /// A query in the language of Prometheus, asked of that Service; every series of the answer must be within the bounds.
        #[schemars(example = "sum(up{job=\"sample\"})")]
        query: String,
        /// The name of a sample in Prometheus' text format; those that have `labels` are added up.
        #[schemars(example = &"http_requests_total")]
        sample: String,
        /// Labels that the samples must have.
        labels: Named<String>,
        /// Where the Service shows its samples. Default: /metrics.
        path: String,
        /// The least that is good.
        at_least: Number,
        /// The most that is good.
        at_most: Number,
    }
}
