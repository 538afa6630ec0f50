//! The cost of expressions is bounded, and none of them ends the process.

use bytes::Bytes;
use event_transforms::expression::{MAX_SOURCE_BYTES, Program, RunError, STACK_BYTES, Vars};
use proptest::prelude::*;
use webhook_model::{Event, EventId, Millis, Source, TenantId};

fn event(data: impl Into<Bytes>) -> Event {
    Event {
        id: EventId::parse("evt_1").unwrap(),
        kind: "order.shipped".into(),
        data: data.into(),
        at: Millis(1_700_000_000_000),
        ordering_key: None,
        source: Source::API,
    }
}

/// Returns the body that an expression makes, on a thread like those of the sender.
fn body(source: &str, event: &Event) -> Result<String, RunError> {
    let tenant = TenantId::parse("acme").unwrap();
    let program = Program::compile(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    let run = || program.body(&Vars::new(&tenant, event), 1 << 20);
    let body = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        thread.spawn_scoped(scope, run).unwrap().join().unwrap()
    })?;
    Ok(String::from_utf8(body).unwrap())
}

/// Returns a list of `count` numbers.
fn numbers(count: usize) -> String {
    let items: Vec<_> = (0..count).map(|item| item.to_string()).collect();
    format!("[{}]", items.join(","))
}

/// Returns numbers from a generator with a fixed seed, so that every run uses the same.
fn coordinates(count: usize) -> impl Iterator<Item = f64> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let draw = move |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let unit = (state >> 11) as f64 / (1_u64 << 53) as f64;
        (unit - 0.5) * 360.0
    };
    (0..count).map(draw)
}

#[test]
fn numbers_keep_their_published_text_in_transforms_and_filters() {
    let tenant = TenantId::parse("acme").unwrap();
    let transform = "{'part': event.data.at, 'list': event.data.list.map(x, x)}";
    let transform = Program::compile(transform).unwrap();
    for number in coordinates(5_000) {
        let event = event(format!(r#"{{"at": {number}, "list": [{number}]}}"#));
        let vars = Vars::new(&tenant, &event);
        let body = transform.body(&vars, 1 << 20).unwrap();
        let expected = format!(r#"{{"part":{number},"list":[{number}]}}"#);
        assert_eq!(String::from_utf8(body).unwrap(), expected);
    }
    for number in coordinates(500).map(f64::abs) {
        let event = event(format!(r#"{{"at": {number}}}"#));
        let vars = Vars::new(&tenant, &event);
        let filter = Program::compile(&format!("event.data.at == {number:?}")).unwrap();
        assert_eq!(filter.accepts(&vars), Ok(true), "{number}");
        let calculated = Program::compile("event.data.at + 0.0").unwrap();
        let body = String::from_utf8(calculated.body(&vars, 100).unwrap()).unwrap();
        assert_eq!(body.parse::<f64>(), Ok(number), "{body}");
    }
}

#[test]
fn the_work_of_an_expression_is_bounded() {
    let list = numbers(1000);
    let large = event(format!(
        r#"{{"text": "{}", "list": {}}}"#,
        "x".repeat(500_000),
        numbers(100_000)
    ));
    let copies = vec!["event.data.list"; 400].join(", ");
    let sources = [
        // Loops in loops, over the expression's own elements and the event's.
        format!("{list}.all(a, {list}.all(b, a + b >= 0))"),
        "event.data.list.exists(a, event.data.list.exists(b, a + b < 0))".to_owned(),
        "event.data.list.map(a, event.data.list.map(b, a * b))".to_owned(),
        "event.data.list.exists_one(a, event.data.list.all(b, a != b))".to_owned(),
        // Errors that a later element could override are bounded too.
        "event.data.list.all(a, event.data.list.all(b, a / 0 == b))".to_owned(),
        // Texts and lists that double.
        format!("[event.data.text]{}", ".map(x, x + x)".repeat(40)),
        format!("[event.data.list]{}", ".map(x, x + x)".repeat(40)),
        format!("[[1]]{}", ".map(x, [x, x])".repeat(40)),
        // Copies.
        format!("{{'lists': [{copies}].map(x, x)}}"),
        format!("{list}.map(a, event.data)"),
        format!("{list}.map(a, {{'a': event.data.text}})"),
        // Comparisons and searches.
        format!("{list}.all(a, event.data.list == event.data.list)"),
        format!("{list}.all(a, !(-1 in event.data.list))"),
        format!("{list}.all(a, !event.data.text.contains('y'))"),
        format!("{list}.all(a, [event.data.text] != [event.data.text + 'y'])"),
        // Patterns.
        format!("{list}.all(a, event.data.text.matches('(x+x+)+$'))"),
        format!("{list}.all(a, event.data.text.matches('x{{1,50}}y' + string(a)))"),
        "event.data.list.all(a, 'x'.matches(string(a) + '|x'))".to_owned(),
    ];
    for source in sources {
        let ended = body(&source, &large);
        assert_eq!(ended, Err(RunError::TooMuchWork), "{:.100}", source);
    }
}

#[test]
fn an_exhausted_bound_is_an_error_even_if_the_expression_ignores_it() {
    let event = event(numbers(50_000));
    let source = "true || event.data.all(a, event.data.all(b, true))";
    assert_eq!(
        body(source, &event),
        Ok("true".into()),
        "what is not reached costs nothing"
    );
    let source = "event.data.all(a, event.data.all(b, true)) || true";
    assert_eq!(body(source, &event), Err(RunError::TooMuchWork));
}

#[test]
fn ordinary_work_on_a_large_event_is_within_the_bounds() {
    let item = r#"{"sku": "A-1", "count": 2, "price": 9.5, "name": "A small thing"}"#;
    let event = event(format!(
        r#"{{"lines": [{}]}}"#,
        vec![item; 10_000].join(",")
    ));
    let source = "{'n': size(event.data.lines), 'some': event.data.lines.exists(l, l.price > 10.0), \
                  'skus': event.data.lines.filter(l, l.sku == 'B').map(l, l.sku)}";
    assert_eq!(
        body(source, &event),
        Ok(r#"{"n":10000,"some":false,"skus":[]}"#.into())
    );
}

#[test]
fn deeply_nested_data_is_an_error_only_if_it_is_used() {
    let event = event(format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)));
    assert_eq!(body("event.type", &event), Ok(r#""order.shipped""#.into()));
    let Err(RunError::Failed(error)) = body("size(event.data)", &event) else {
        panic!("deep data was read");
    };
    assert!(
        error.contains("nested more than 128 levels deep"),
        "{error}"
    );
}

#[test]
fn an_error_contains_little_of_the_event() {
    let event = event(format!(r#"{{"text": "{}"}}"#, "x".repeat(100_000)));
    let Err(RunError::Failed(error)) = body("event.data.text - 1", &event) else {
        panic!("a text was subtracted from");
    };
    assert!(
        error.chars().count() <= 301,
        "{} characters",
        error.chars().count()
    );
}

#[test]
fn no_long_expression_overflows_the_stack() {
    let parts = [
        "(",
        "[",
        "{",
        "!",
        "-",
        "!-",
        "a.",
        "a[0].",
        "1+",
        "1-",
        "a?",
        "a?a:",
        "f(",
        "[0].map(x,",
        "'a'+",
        "a&&",
        "a||",
        "a==",
        "-1<",
        "{1:",
        "{'a':[",
        "a.b(",
        "\"",
        "'''",
        "b'",
        "r'\\",
        "/*",
        "//",
        "\\",
        ".",
        ".a",
        "[0]",
        "[0,",
        "!(",
        "true?1:",
        "a in ",
        "[1].all(x,",
        "event.data.exists(e,",
        "\n",
        "\u{e9}",
        "0x",
    ];
    let closings = ["", "1", "a", ")", "]", "}", "true", "'"];
    for part in parts {
        for closing in closings {
            let count = (MAX_SOURCE_BYTES - 8) / part.len();
            let source = format!("{}{closing}", part.repeat(count));
            // Most are rejected. Each must return, with a result or an error.
            let _ = Program::compile(&source);
            let balanced = format!("{}a{}", part.repeat(count / 2), closing.repeat(count / 2));
            let _ = Program::compile(&balanced);
        }
    }
    let long = "1".repeat(MAX_SOURCE_BYTES + 1);
    let error = Program::compile(&long).unwrap_err().to_string();
    assert_eq!(
        error,
        "an expression of 8193 bytes; at most 8192 are allowed"
    );
}

/// Runs the deepest expression that is accepted, in each form that recurses.
#[test]
fn the_deepest_expressions_run_on_the_stack_of_a_thread() {
    let event = event("[1]");
    let forms = [
        ("(", "1", ")"),
        ("[", "1", "]"),
        ("{'a': ", "1", "}"),
        ("-(", "1", ")"),
        ("[1].map(x, ", "1", ")"),
        ("", "[1]", ".map(x, x)"),
        ("", "[1]", ".filter(x, [x].exists(y, y == 1))"),
        ("true ? ", "1", " : 1"),
    ];
    for (open, middle, close) in forms {
        let source =
            |depth: usize| format!("{}{middle}{}", open.repeat(depth), close.repeat(depth));
        let depth = (1..100)
            .rev()
            .find(|depth| Program::compile(&source(*depth)).is_ok());
        let depth = depth.unwrap_or_else(|| panic!("{open}{close} is never accepted"));
        assert!(
            body(&source(depth), &event).is_ok(),
            "{open}{close} {depth}"
        );
    }
}

/// Returns expressions that often parse, composed of the constructs of the language.
fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "event",
        "event.data",
        "event.type",
        "event.timestamp",
        "event.ordering_key",
        "event.data.a",
        "1",
        "0",
        "-9223372036854775808",
        "18446744073709551615u",
        "1.5",
        "1e308",
        "'a'",
        "'é\u{10348}'",
        "b'\\xff'",
        "null",
        "true",
        "x",
        "y",
        "duration('1h')",
        "timestamp('9999-12-31T23:59:59Z')",
        "int",
        "[]",
        "{}",
        "''",
        "'('",
    ]);
    leaf.prop_map(str::to_owned)
        .prop_recursive(5, 40, 4, |inner| {
            let pair = (inner.clone(), inner.clone());
            let op = prop::sample::select(vec![
                "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "in",
            ]);
            let member = prop::sample::select(vec![
                "contains",
                "startsWith",
                "endsWith",
                "matches",
                "getHours",
                "getFullYear",
                "getDayOfYear",
            ]);
            let call = prop::sample::select(vec![
                "size",
                "int",
                "uint",
                "double",
                "string",
                "bytes",
                "bool",
                "timestamp",
                "duration",
                "type",
                "dyn",
            ]);
            let field = prop::sample::select(vec!["a", "b", "data", "id"]);
            let each = prop::sample::select(vec!["all", "exists", "exists_one", "map", "filter"]);
            prop_oneof![
                (pair.clone(), op).prop_map(|((a, b), op)| format!("({a} {op} {b})")),
                (pair.clone(), member).prop_map(|((a, b), name)| format!("{a}.{name}({b})")),
                (inner.clone(), call).prop_map(|(a, name)| format!("{name}({a})")),
                (inner.clone(), field.clone()).prop_map(|(a, name)| format!("{a}.{name}")),
                (inner.clone(), field).prop_map(|(a, name)| format!("has({a}.{name})")),
                pair.clone().prop_map(|(a, b)| format!("{a}[{b}]")),
                pair.clone().prop_map(|(a, b)| format!("[{a}, {b}]")),
                pair.clone().prop_map(|(a, b)| format!("{{{a}: {b}}}")),
                (pair, each).prop_map(|((a, b), each)| format!("{a}.{each}(x, {b})")),
                (inner.clone(), inner.clone(), inner)
                    .prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            ]
        })
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::hash_map("[ab]|.{0,4}", inner, 0..5)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Runs a source as a filter and as a transform. A caught panic fails the test.
fn run(source: &str, event: &Event) {
    let tenant = TenantId::parse("acme").unwrap();
    let Ok(program) = Program::compile(source) else {
        return;
    };
    let vars = Vars::new(&tenant, event);
    assert_ne!(program.accepts(&vars), Err(RunError::Panicked), "{source}");
    let body = program.body(&vars, 10_000);
    assert_ne!(body, Err(RunError::Panicked), "{source}");
    if let Ok(body) = body {
        serde_json::from_slice::<serde_json::Value>(&body).expect("a body is JSON");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_expression_or_event_causes_a_panic(source in expressions(), data in json()) {
        run(&source, &event(data.to_string()));
    }

    #[test]
    fn no_text_causes_a_panic(source in "[ -~\n\t]{0,60}|.{0,40}", data in ".{0,60}") {
        run(&source, &event(data));
    }
}
