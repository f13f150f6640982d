//! Templates as Ansible renders them: what is written, and what comes out.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::{Context, Layer, Level, Scope, Variable, evaluate, holds, render, resolve};
use crate::place::Place;
use crate::playbook::node::Node;
use crate::playbook::yaml;

/// A context of data below and of a playbook's `vars` above.
fn context(data: &Json, vars: &str) -> Context {
    let data = data.as_object().unwrap().clone();
    let mut layer = Layer::default();
    if let Some(node) = yaml::read("vars.yaml", vars).unwrap() {
        for (key, node) in node.as_map().unwrap() {
            layer.set(key.text.clone(), Variable::Source(node.clone()));
        }
    }
    let scope = Scope::default().with(Level::Inventory, Arc::new(Layer::data(data)));
    scope.with(Level::Play, Arc::new(layer)).context()
}

fn place() -> Place {
    Place::at("p.yaml", 7, 3)
}

fn text(template: &str, data: &Json) -> String {
    render(template, &place(), &context(data, "")).unwrap_or_else(|failure| panic!("{template}: {failure}"))
}

#[test]
fn filters_give_what_ansibles_give() {
    let data = json!({
        "list": [3, 1, 2], "map": {"b": 1, "a": {"c": 2}}, "text": "Hello World", "path": "/etc/a/b.conf",
        "hosts": [{"name": "a", "up": true}, {"name": "b", "up": false}], "none": null, "flag": true, "no": "no",
    });
    let cases = [
        ("{{ missing | default('x') }}", "x"),
        ("{{ map.x.y.z | default('deep') }}", "deep"),
        ("{{ '' | default('x', true) }}", "x"),
        ("{{ list | join(',') }}", "3,1,2"),
        ("{{ list | sort | first }}{{ list | length }}{{ list | max }}", "133"),
        ("{{ hosts | map(attribute='name') | list | join(' ') }}", "a b"),
        ("{{ hosts | selectattr('up') | map(attribute='name') | join }}", "a"),
        ("{{ hosts | rejectattr('name', 'equalto', 'a') | list | length }}", "1"),
        ("{{ text | lower | replace('world', 'x') | trim }}", "hello x"),
        ("{{ text | regex_replace('^(\\w+) (\\w+)$', '\\\\2 \\\\1') }}", "World Hello"),
        ("{{ text | regex_search('W\\w+') }}", "World"),
        ("{{ text | regex_search('(H)(e)', '\\\\2') | first }}", "e"),
        ("{{ text | regex_findall('o') | length }}", "2"),
        ("{{ path | basename }} {{ path | dirname }} {{ path | splitext | last }}", "b.conf /etc/a .conf"),
        ("{{ ['/a', 'b'] | path_join }}", "/a/b"),
        ("{{ 'it''s' | quote }}", "its"),
        ("{{ \"it's\" | quote }}", r"'it'\''s'"),
        ("{{ text | b64encode }} {{ 'aGk=' | b64decode }}", "SGVsbG8gV29ybGQ= hi"),
        ("{{ flag | ternary('yes', 'no') }}", "yes"),
        ("{{ no | bool }} {{ 'yes' | bool }} {{ 1 | bool }}", "False True True"),
        ("{{ '42' | int + 1 }}", "43"),
        ("{{ map | to_json }}", r#"{"b":1,"a":{"c":2}}"#),
        ("{{ {'a': 1} | to_nice_json }}", "{\n    \"a\": 1\n}"),
        ("{{ '{\"a\": [1]}' | from_json }}", "{'a': [1]}"),
        ("{{ ('a: no' | from_yaml).a }}", "False"),
        ("{{ {'a': 'no', 'b': '1.30'} | to_yaml }}", "a: \"no\"\nb: \"1.30\"\n"),
        ("{{ map | combine({'a': {'d': 3}}, recursive=True) | to_json }}", r#"{"b":1,"a":{"c":2,"d":3}}"#),
        ("{{ map | dict2items | map(attribute='key') | join(',') }}", "b,a"),
        ("{{ [{'key': 'x', 'value': 1}] | items2dict }}", "{'x': 1}"),
        ("{{ [1, [2, [3]]] | flatten | join }}", "123"),
        ("{{ [1, 2] | union([2, 3]) | difference([1]) | join }}", "23"),
        ("{{ 'a\\nb' | indent(2) }}", "a\n  b"),
        ("{{ 'x' | hash('sha256') | length }}", "64"),
        ("{{ flag }} {{ none }}", "True None"),
        ("{{ '1.36.3' is version('1.9', '>=') }}", "True"),
        ("{{ 'v1.36' is match('v1') and 'a v1' is search('v1') and not 'a v1' is match('v1') }}", "True"),
        ("{{ [1] is subset([1, 2]) and [1, 2] is contains(2) }}", "True"),
        ("{{ {'failed': false, 'changed': true} is succeeded }}", "True"),
        ("{{ text.split(' ')[1].upper() }} {{ text.startswith('He') }}", "WORLD True"),
        ("{{ map.get('x', 'none') }} {{ map.keys() | list | join }}", "none ba"),
        ("{% for key, value in map.items() %}{{ key }};{% endfor %}", "b;a;"),
    ];
    for (template, expected) in cases {
        assert_eq!(text(template, &data), expected, "{template}");
    }
}

#[test]
fn blocks_take_their_line_break_and_the_file_keeps_its_last() {
    let template = "a\n{% if yes %}\nb\n{% endif %}\nc\n";
    assert_eq!(text(template, &json!({"yes": true})), "a\nb\nc\n");
    assert_eq!(text("<b>&{{ x }}", &json!({"x": "<"})), "<b>&<");
}

#[test]
fn one_expression_keeps_its_type_and_text_stays_text() {
    let context = context(&json!({"port": 6443, "version": "1.30", "list": [1], "digits": "007"}), "");
    let resolved = |text: &str| {
        let node = yaml::read("p.yaml", &format!("\"{text}\"")).unwrap().unwrap();
        resolve(&node, &context).unwrap()
    };
    assert_eq!(resolved("{{ port }}"), json!(6443));
    assert_eq!(resolved("{{ port }}/tcp"), json!("6443/tcp"));
    assert_eq!(resolved("{{ version }}"), json!("1.30"));
    assert_eq!(resolved("{{ digits }}{{ version }}"), json!("0071.30"));
    assert_eq!(resolved("{{ list + [2] }}"), json!([1, 2]));
    assert_eq!(resolved("{{ '{{' }}"), json!("{{"));
    assert_eq!(resolved("{{ 'a' }}}{{ 'b' }}"), json!("a}b"));
}

#[test]
fn source_is_rendered_on_use_and_data_never() {
    let context = context(&json!({"output": "{{ secret }}", "secret": "s"}), "a: \"{{ b }}!\"\nb: \"{{ output }}\"\n");
    assert_eq!(render("{{ a }}", &place(), &context), Ok("{{ secret }}!".to_owned()));
    let node = Node { tag: Some("unsafe".into()), ..yaml::read("p", "'{{ a }}'").unwrap().unwrap() };
    assert_eq!(resolve(&node, &context), Ok(json!("{{ a }}")));
}

#[test]
fn a_stronger_layer_wins_also_within_others_templates() {
    let scope = context(&json!({}), "greeting: \"{{ word }}\"\nword: weak\n").scope().clone();
    let strong = scope.with(Level::Extra, Arc::new(Layer::data([("word".to_owned(), json!("strong"))])));
    assert_eq!(evaluate("greeting", &place(), &strong.context()), Ok(json!("strong")));
}

#[test]
fn a_variable_that_needs_itself_is_named() {
    let context = context(&json!({}), "a: \"{{ b }}\"\nb: \"x{{ a }}\"\n");
    let failure = render("{{ a }}", &place(), &context).unwrap_err();
    assert!(failure.to_string().contains("a variable needs itself: a -> b -> a"), "{failure}");
}

#[test]
fn what_is_undefined_is_named_with_its_place_and_no_value_is_shown() {
    let context = context(&json!({"node": {"name": "x"}, "password": "hunter2"}), "");
    let failure = render("one\n{{ node.addres }}", &place(), &context).unwrap_err();
    assert_eq!(failure.to_string(), "p.yaml:9: `node.addres` is not defined");
    let failure = evaluate("nodes | length > 1", &place(), &context).unwrap_err();
    assert_eq!(failure.to_string(), "p.yaml:7:3: `nodes` is not defined");
    assert_eq!(failure.hints, ["is it `node`?"]);
    let failure = render("{{ password | from_json }}", &place(), &context).unwrap_err();
    assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
    assert!(render("{% for x in nowhere %}{% endfor %}", &place(), &context).is_err());
}

#[test]
fn conditions_are_true_or_false_and_nothing_else() {
    let context = context(&json!({"yes": "yes", "no": "no", "word": "word", "empty": "", "list": []}), "");
    let holds = |text: &str| holds(text, &place(), &context);
    assert_eq!(holds("yes"), Ok(true));
    assert_eq!(holds("no"), Ok(false));
    assert_eq!(holds("not list and empty == ''"), Ok(true));
    assert_eq!(holds("missing is not defined or missing"), Ok(true));
    assert_eq!(holds("\"{{ yes }}\" == 'yes'").map(|_| ()), Ok(()));
    assert!(holds("word").unwrap_err().to_string().contains("neither true nor false"));
}
