//! `[[events.webhook]]` and `[[events.mqtt]]` as people may get them wrong: each mistake is told by its key, with a hint, and no
//! secret is shown.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;

use flyball::{
    config::{Environment, Problem, Severity},
    topology::{Opened, open},
};

const HEAD: &str = "[deployment]\nname = \"t\"\nsite = \"t\"\npipeline = \"p.toml\"\n[models]\ndir = \".\"\n[[camera]]\nid = \"gate\"\n\
                    source = { synthetic = {} }\n";
const PIPELINE: &str = "pipeline.name = \"p\"\n[[stage]]\nkind = \"detect\"\nmodel = \"shapes\"\n[[stage]]\nkind = \"track\"\n\
                        [[stage]]\nkind = \"publish\"\n";
const SECRET: &str = "hunter2-hunter2-hunter2";

fn opened(events: &str) -> Opened {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("p.toml"), PIPELINE).unwrap();
    fs::write(folder.path().join("desk.secret"), format!("{SECRET}\n")).unwrap();
    fs::write(folder.path().join("ca.pem"), "").unwrap();
    let file = folder.path().join("d.toml");
    fs::write(&file, format!("{HEAD}{events}")).unwrap();
    open(&file, &Environment::of(&[("SECRET", SECRET)]))
}

fn errors(events: &str) -> Vec<Problem> {
    opened(events).problems.into_iter().filter(|problem| problem.severity == Severity::Error).collect()
}

fn webhook(more: &str) -> String {
    format!("[[events.webhook]]\nname = \"desk\"\n{more}\n")
}

fn mqtt(more: &str) -> String {
    format!("[[events.mqtt]]\nname = \"broker\"\n{more}\n")
}

#[test]
fn what_is_right_is_read_with_its_defaults() {
    let hooks = webhook("url = \"https://ops.example/hook\"\nsecret_file = \"desk.secret\"\nca = \"ca.pem\"");
    let brokers =
        mqtt("url = \"mqtts://broker.example\"\nuser = \"u\"\npassword = \"${SECRET}\"\ntopic_prefix = \"/a/b/\"");
    let opened = opened(&format!("[events]\nonvif = true\n{hooks}{brokers}"));
    assert!(opened.problems.is_empty(), "{:#?}", opened.problems);
    let deployment = opened.deployment.unwrap();
    let (hook, broker) = (&deployment.events.webhooks[0], &deployment.events.brokers[0]);
    assert_eq!((hook.secret.expose(), hook.batch, hook.waiting), (SECRET, 50, 10_000));
    assert!(hook.ca.as_ref().unwrap().is_absolute() && deployment.events.onvif);
    assert_eq!((broker.topic_prefix.as_deref(), broker.waiting), (Some("a/b"), 10_000));
    assert!(!format!("{deployment:?}").contains(SECRET), "a secret was shown");
}

#[test]
fn what_is_wrong_is_told_by_its_key() {
    let secret = "secret = \"${SECRET}\"";
    for (events, key, word) in [
        (webhook("url = \"https://ops.example\""), "events.webhook[0]", "no secret"),
        (
            webhook(&format!("url = \"https://a.example\"\n{secret}\nsecret_file = \"desk.secret\"")),
            "events.webhook[0]",
            "two secrets",
        ),
        (webhook("url = \"https://a.example\"\nsecret = \"short\""), "events.webhook[0].secret", "guessed"),
        (
            webhook("url = \"https://a.example\"\nsecret_file = \"none\""),
            "events.webhook[0].secret_file",
            "cannot be read",
        ),
        (webhook(&format!("url = \"http://ops.example\"\n{secret}")), "events.webhook[0].url", "unencrypted"),
        (webhook(&format!("url = \"http://127.0.0.1.example\"\n{secret}")), "events.webhook[0].url", "unencrypted"),
        (webhook(&format!("url = \"ftp://ops.example\"\n{secret}")), "events.webhook[0].url", "web address"),
        (webhook(&format!("url = \"https://a.example\"\n{secret}\nbatch = 0")), "events.webhook[0].batch", "1"),
        (
            webhook(&format!("url = \"https://a.example\"\n{secret}\nca = \"none.pem\"")),
            "events.webhook[0].ca",
            "no file",
        ),
        (mqtt("url = \"mqtt://broker.example\""), "events.mqtt[0].url", "unencrypted"),
        (mqtt("url = \"tcp://127.0.0.1\""), "events.mqtt[0].url", "MQTT address"),
        (mqtt("url = \"mqtt://127.0.0.1:99999\""), "events.mqtt[0].url", "MQTT address"),
        (mqtt("url = \"mqtt://127.0.0.1\"\nuser = \"u\""), "events.mqtt[0].password", "no password"),
        (mqtt("url = \"mqtt://127.0.0.1\"\ntopic_prefix = \"a/#\""), "events.mqtt[0].topic_prefix", "in front"),
        (format!("{0}{0}", mqtt("url = \"mqtt://127.0.0.1\"")), "events", "two ways out are called `broker`"),
    ] {
        let problems = errors(&events);
        let found = problems
            .iter()
            .find(|problem| problem.key == key && (problem.message.contains(word) || problem.hint.contains(word)));
        assert!(found.is_some_and(|problem| !problem.hint.is_empty()), "{key} {word:?} for\n{events}\n{problems:#?}");
    }
}

#[test]
fn this_machine_and_insecure_are_allowed_and_a_plain_secret_is_warned_of() {
    for fine in [
        webhook(&format!("url = \"http://127.0.0.1:9000/x\"\nsecret = \"{SECRET}\"")),
        webhook("url = \"http://ops.example\"\nsecret = \"${SECRET}\"\ninsecure = true"),
        mqtt("url = \"mqtt://localhost:1883\""),
        mqtt("url = \"mqtt://broker.example\"\ninsecure = true"),
    ] {
        assert!(errors(&fine).is_empty(), "{fine}: {:#?}", errors(&fine));
    }
    let warned = opened(&webhook(&format!("url = \"https://a.example\"\nsecret = \"{SECRET}\""))).problems;
    assert!(warned.iter().any(|problem| problem.key == "events.webhook[0].secret"), "{warned:#?}");
    assert!(!warned.iter().any(|problem| problem.to_string().contains(SECRET)), "a secret was shown: {warned:#?}");
}
