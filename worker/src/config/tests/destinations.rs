use super::super::destinations::LISTS;
use super::*;

#[test]
fn reads_the_list_of_destinations() {
    let all = listed(&format!(
        r#"[
            {{ "name": "crm", "url": "https://crm.example/hook", "events": ["demo", "é b"],
               "tests": false, "headers": {{ "Authorization": "Bearer a\tb" }}, "secret": "{SECRET}" }},
            {{ "name": "2-lake", "url": "https://lake.example", "tests": true, "headers": {{}} }}
        ]"#
    ));
    let all = all.unwrap();
    let [crm, lake] = all.as_slice() else { panic!("two destinations") };
    assert_eq!(crm.name, "crm");
    assert_eq!(crm.url, "https://crm.example/hook");
    assert_eq!(crm.headers, [("authorization".to_owned(), "Bearer a\tb".to_owned())]);
    assert!(crm.secret.is_some());
    assert_eq!(lake.name, "2-lake");
    assert!(lake.headers.is_empty() && lake.secret.is_none());

    let wants = |it: &Destination, is_test| {
        [Some("demo"), Some("é b"), Some("Demo"), None].map(|name| it.wants(name, is_test))
    };
    assert_eq!(wants(crm, false), [true, true, false, false]);
    assert_eq!(wants(crm, true), [false; 4]);
    assert_eq!(wants(lake, false), [true; 4]);
    assert_eq!(wants(lake, true), [true; 4]);
}

#[test]
fn tests_is_a_boolean() {
    for good in ["true", "false"] {
        assert_eq!(mistakes_of(&format!(r#""tests":{good}"#)), Mistakes::new(), "{good}");
    }
    for bad in ["null", "0", "1", r#""true""#, r#""false""#, "[]", "{}"] {
        let sentence = "DESTINATIONS[0].tests must be true or false";
        assert_eq!(mistakes_of(&format!(r#""tests":{bad}"#)), [sentence], "{bad}");
    }
}

/// The JSON of destinations with these names.
fn with_names(names: impl IntoIterator<Item = String>) -> String {
    let one = |name| format!(r#"{{"name":"{name}","url":"https://o.example"}}"#);
    format!("[{}]", names.into_iter().map(one).collect::<Vec<_>>().join(","))
}

fn numbered(range: std::ops::Range<usize>) -> String {
    with_names(range.map(|index| format!("d{index}")))
}

#[test]
fn reads_up_to_nine_lists_of_destinations() {
    let lists: Vec<(&str, String)> =
        LISTS.into_iter().zip((0..).map(|index| numbered(index..index + 1))).collect();
    for count in 1..=lists.len() {
        let set = lists.iter().take(count).map(|(variable, json)| (*variable, Some(json.as_str())));
        let settings = settings(&[("ORIGIN_URL", None)].into_iter().chain(set).collect::<Vec<_>>());
        assert_eq!(settings.mistakes, Mistakes::new());
        assert_eq!(settings.destinations.len(), count);
    }
}

#[test]
fn lists_together_have_at_most_20_destinations() {
    let mistakes = |first: &str, second: &str, third: Option<&str>| {
        mistakes(&[
            ("ORIGIN_URL", None),
            ("DESTINATIONS", Some(first)),
            ("DESTINATIONS_2", Some(second)),
            ("DESTINATIONS_3", third),
        ])
    };
    let (ten, more) = (numbered(0..10), numbered(10..20));
    assert_eq!(mistakes(&ten, &more, None), Mistakes::new());
    let sentence = "DESTINATIONS_2 must be a JSON list of 1 to 20 objects, each with a name and a url; \
                    all lists together have at most 20";
    assert_eq!(mistakes(&ten, &numbered(10..21), None), [sentence]);
    assert_eq!(named(&mistakes(&ten, &more, Some(&numbered(20..21)))), ["DESTINATIONS_3"]);
    assert_eq!(named(&mistakes(&ten, "[]", None)), ["DESTINATIONS_2"]);
    assert_eq!(named(&mistakes(&ten, "[", None)), ["DESTINATIONS_2"]);
}

#[test]
fn a_mistake_names_its_list() {
    let (one, same) = (numbered(0..1), numbered(0..1));
    let other = r#"[{"name":"b","url":"http://b.example","tests":1}]"#;
    let all = mistakes(&[
        ("ORIGIN_URL", None),
        ("DESTINATIONS", Some(&one)),
        ("DESTINATIONS_2", Some(other)),
        ("DESTINATIONS_3", Some(&same)),
    ]);
    let expected = ["DESTINATIONS_2[0].url", "DESTINATIONS_2[0].tests", "DESTINATIONS_3[0].name"];
    assert_eq!(named(&all), expected);
    assert!(all[2].contains("used twice"), "{all:?}");
}

#[test]
fn lists_are_numbered_without_a_gap() {
    let one = numbered(0..1);
    let gap = |variable, before| {
        format!(
            "{variable} is set, but {before} is not: number the lists of destinations without a gap"
        )
    };
    for (variable, before) in
        [("DESTINATIONS_3", "DESTINATIONS_2"), ("DESTINATIONS_9", "DESTINATIONS_8")]
    {
        let set = [("ORIGIN_URL", None), ("DESTINATIONS", Some(&*one)), (variable, Some("[]"))];
        assert_eq!(mistakes(&set)[0], gap(variable, before));
    }
    let beside_url = [("DESTINATIONS_2", Some(&*one))];
    assert_eq!(mistakes(&beside_url), [gap("DESTINATIONS_2", "DESTINATIONS")]);
    let alone = [("ORIGIN_URL", None), beside_url[0]];
    assert_eq!(named(&mistakes(&alone)), ["ORIGIN_URL", "DESTINATIONS_2"]);
}

#[test]
fn rejects_two_sources_of_destinations() {
    let both = mistakes(&[("DESTINATIONS", Some("[]"))]);
    assert_eq!(both, ["ORIGIN_URL and DESTINATIONS are both set: set only one of them"]);
    assert_eq!(named(&mistakes(&[("ORIGIN_URL", None)])), ["ORIGIN_URL"]);
}

#[test]
fn accepts_1_to_20_destinations_and_one_in_direct_mode() {
    let count_mistakes = |count: usize, mode| {
        let json = numbered(0..count);
        mistakes(&[("ORIGIN_URL", None), ("DESTINATIONS", Some(&json)), ("MODE", Some(mode))])
    };
    assert_eq!(count_mistakes(1, "durable"), Mistakes::new());
    assert_eq!(count_mistakes(20, "durable"), Mistakes::new());
    assert_eq!(count_mistakes(1, "direct"), Mistakes::new());
    for (count, mode) in [(0, "durable"), (21, "durable"), (2, "direct")] {
        assert_eq!(named(&count_mistakes(count, mode)), ["DESTINATIONS"], "{count} {mode}");
    }
}

#[test]
fn lists_every_mistake_in_a_destination() {
    let all = listed(
        r#"[
            { "name": "a", "url": "https://a.example" },
            { "name": "a", "url": "http://a.example", "events": [], "headers": [], "secret": "" },
            { "name": "b", "url": "https://b.example", "event": ["x"] },
            { "name": "A", "url": 5 },
            "https://c.example",
            { "name": "a", "url": "https://a.example" },
            {}
        ]"#,
    );
    assert_eq!(
        named(&all.unwrap_err()),
        [
            "DESTINATIONS[1].url",
            "DESTINATIONS[1].events",
            "DESTINATIONS[1].headers",
            "DESTINATIONS[1].secret",
            "DESTINATIONS[2]",
            "DESTINATIONS[3].name",
            "DESTINATIONS[3].url",
            "DESTINATIONS[4]",
            "DESTINATIONS[5].name",
            "DESTINATIONS[6].name",
            "DESTINATIONS[6].url",
        ]
    );
    for json in ["", "{}", "null", "[1,]", r#"{"name":"a","url":"https://a.example"}"#] {
        assert_eq!(named(&listed(json).unwrap_err()), ["DESTINATIONS"], "{json:?}");
    }
    assert!(listed("[\n  {,").unwrap_err().concat().contains("line 2, column 4"));
}

#[test]
fn a_name_has_lowercase_letters_digits_and_hyphens() {
    let with_name =
        |name: &str| listed(&format!(r#"[{{"name":"{name}","url":"https://o.example"}}]"#));
    for good in ["a", "0", "-", "a-b-0", &"n".repeat(32)] {
        assert!(with_name(good).is_ok(), "{good}");
    }
    for bad in ["", "A", "a b", "a_b", "a.b", "é", &"n".repeat(33)] {
        assert_eq!(named(&with_name(bad).unwrap_err()), ["DESTINATIONS[0].name"], "{bad}");
    }
}

#[test]
fn events_are_a_list_of_names() {
    let list = |count: usize| format!(r#""events":[{}]"#, vec![r#""e""#; count].join(","));
    let name = |length: usize| format!(r#""events":["{}"]"#, "e".repeat(length));
    for good in [list(1), list(100), name(1), name(256)] {
        assert_eq!(mistakes_of(&good), Mistakes::new(), "{good}");
    }
    for bad in [list(0), list(101), name(0), name(257)] {
        assert_eq!(named(&mistakes_of(&bad)), ["DESTINATIONS[0].events"], "{bad}");
    }
    for bad in ["null", "{}", r#""demo""#, "[1]", r#"["demo",null]"#] {
        assert_eq!(mistakes_of(&format!(r#""events":{bad}"#)).len(), 1, "{bad}");
    }
}

#[test]
fn accepts_headers_up_to_the_limits() {
    let with_headers = |headers: &[(String, String)]| {
        let fields: Vec<String> = headers.iter().map(|(n, v)| format!("{n:?}:{v:?}")).collect();
        mistakes_of(&format!(r#""headers":{{{}}}"#, fields.join(",")))
    };
    let many = |count: usize| (0..count).map(|i| (format!("x-{i}"), "v".to_owned())).collect();
    let long = |name: usize, value: usize| vec![("n".repeat(name), "v".repeat(value))];
    let good: [Vec<_>; 4] = [many(0), many(20), long(64, 1), long(1, 2048)];
    for headers in good {
        assert_eq!(with_headers(&headers), Mistakes::new());
    }
    let bad: [Vec<_>; 5] = [many(21), long(0, 1), long(65, 1), long(1, 0), long(1, 2049)];
    for headers in bad {
        assert_eq!(named(&with_headers(&headers)), ["DESTINATIONS[0].headers"]);
    }
}

#[test]
fn rejects_invalid_and_reserved_headers() {
    let with_header =
        |name: &str, value: &str| mistakes_of(&format!(r#""headers":{{"{name}":"{value}"}}"#));
    for good in
        ["authorization", "X-Api-Key", "user-agent", "x-walnut", "hosted", "a!#$%&'*+.^_`|~"]
    {
        assert_eq!(with_header(good, "a b"), Mistakes::new(), "{good}");
    }
    for bad in ["a b", "a:", "é", "a\\n", "(a)"] {
        assert_eq!(with_header(bad, "v").len(), 1, "{bad}");
    }
    for bad in [" a", "a ", "\\ta", "a\\r\\nb: c", "é", "\\u007f"] {
        assert_eq!(with_header("a", bad).len(), 1, "{bad}");
    }
    for taken in [
        "x-walnut-signature",
        "Walnut-Key",
        "WEBHOOK-ID",
        "webhook-anything",
        "Content-Type",
        "content-length",
        "Host",
        "Connection",
        "keep-alive",
        "proxy-authorization",
        "TE",
        "trailer",
        "Transfer-Encoding",
        "upgrade",
    ] {
        let all = with_header(taken, "v");
        assert!(all.len() == 1 && all.concat().contains("can't set"), "{taken}: {all:?}");
    }
    assert_eq!(mistakes_of(r#""headers":{"a":1}"#).len(), 1);
    assert_eq!(mistakes_of(r#""headers":{"X-A":"1","x-a":"2"}"#).len(), 1);
    // An invalid name, an invalid value and a reserved name at once.
    assert_eq!(mistakes_of(r#""headers":{"":"v","a":"","host":"v"}"#).len(), 3);
}

#[test]
fn only_the_name_of_a_destination_is_printed() {
    let json = format!(
        r#"[{{"name":"crm","url":"https://crm.example","headers":{{"a":"b"}},"secret":"{SECRET}"}}]"#
    );
    assert_eq!(format!("{:?}", listed(&json).unwrap()), r#"[Destination { name: "crm", .. }]"#);
}

#[test]
fn suggests_the_event_for_a_misspelling() {
    for (name, meant) in [
        ("demo_sesion_finished", "demo_session_finished"),
        ("Demo_Session_Finished", "demo_session_finished"),
        ("demo-session-finished", "demo_session_finished"),
        ("playlist_sessions_finished", "playlist_session_finished"),
    ] {
        let all = mistakes_of(&format!(r#""events":["demo_session_finished","x","{name}"]"#));
        let sentence = format!(
            "DESTINATIONS[0].events[2] is almost the name of an event that Walnut sends: did you mean {meant}?"
        );
        assert_eq!(all, [sentence], "{name}");
    }
    for good in ["demo_session_started", "demo_session_finis", "playlist", "session_finished"] {
        assert_eq!(mistakes_of(&format!(r#""events":["{good}"]"#)), Mistakes::new(), "{good}");
    }
}

#[test]
fn suggests_the_field_for_a_misspelling() {
    for (fields, hints) in [
        (r#""event":[]"#, &["did you mean events?"][..]),
        (r#""test":false"#, &["did you mean tests?"]),
        (r#""Header":{}"#, &["did you mean headers?"]),
        (
            r#""sceret":"","headrs":{},"evnt":[],"event":[]"#,
            &["did you mean events?", "did you mean headers?", "did you mean secret?"],
        ),
        (
            r#""retries":1,"timeout":2"#,
            &["the fields are name, url, events, tests, headers, secret"],
        ),
    ] {
        let expected =
            hints.iter().map(|hint| format!("DESTINATIONS[0] has an unknown field: {hint}"));
        assert_eq!(mistakes_of(fields), expected.collect::<Vec<_>>(), "{fields}");
    }
}
