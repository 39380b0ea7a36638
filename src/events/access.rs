//! Who may hear what: a few checked words of a deployment become Zenoh's own access control. Pure.
//!
//! As soon as one rule is written everybody else is refused: whoever is not named neither hears nor says anything here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::keys::ROOT;

/// What somebody who listens sends us, and what we send them.
const ASKS: [&str; 4] = ["declare_subscriber", "query", "liveliness_query", "declare_liveliness_subscriber"];
/// What somebody who publishes sends us, and what we, publishing, send others.
const TELLS: [&str; 5] = ["put", "delete", "reply", "declare_queryable", "liveliness_token"];
/// Chunks below a camera or node that `**` does not reach, because they begin with `@`.
const VERBATIM: [&str; 4] = ["@page", "@history", "@head", "@alive"];
/// Where a node answers for all its cameras at once. Zenoh only asks whom it knows to answer, so who may ask about one
/// camera must be told of these; what they ask is still held to their own keys.
const ANSWERED: [&str; 3] = ["*/*/@history", "*/@node/*/@history", "*/*/state"];

/// What one user, or the holder of one certificate, may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Access {
    /// The user, as in `users_file`.
    pub user: Option<String>,
    /// The common name of their certificate; checked where `tls.mutual` is on.
    pub certificate: Option<String>,
    /// What they may do.
    pub may: May,
    /// On which keys: `flyball/v1/hq/gate/**` is one camera, `flyball/v1/hq/**` a site, `flyball/v1/**` everything.
    pub keys: Vec<String>,
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum May {
    /// Hear events and ask for history.
    #[default]
    Receive,
    /// Publish events and answer for history: another Flyball, behind this router.
    Send,
    /// Both.
    Both,
}

impl Access {
    /// What is wrong with it, and what to try.
    pub fn problem(&self) -> Option<&'static str> {
        let inside = |key: &String| key.strip_prefix(ROOT).is_some_and(|rest| rest.starts_with('/'));
        match (&self.user, &self.certificate) {
            (None, None) => Some("an access rule names nobody: add `user` or `certificate`"),
            (Some(_), Some(_)) => Some("an access rule names a user and a certificate: write one rule for each"),
            _ if self.keys.is_empty() => {
                Some("an access rule allows nothing: add `keys`, such as \"flyball/v1/hq/gate/**\"")
            }
            _ if !self.keys.iter().all(inside) => Some("keys of an access rule begin with `flyball/v1/`"),
            _ => None,
        }
    }
}

/// Zenoh's `access_control`, or nothing when there are no rules.
pub(super) fn access_control(rules: &[Access]) -> Option<Value> {
    if rules.is_empty() {
        return None;
    }
    let (mut zenoh_rules, mut subjects, mut policies) = (Vec::new(), Vec::new(), Vec::new());
    for (at, rule) in rules.iter().enumerate() {
        let [in_id, out_id, told_id, subject] = ["in", "out", "told", "subject"].map(|word| format!("{word}-{at}"));
        let (incoming, outgoing) = messages(rule.may);
        let keys: Vec<String> = rule.keys.iter().flat_map(|key| reach(key)).collect();
        for (id, flow, messages) in [(&in_id, "ingress", incoming), (&out_id, "egress", outgoing)] {
            zenoh_rules.push(json!({
                "id": id, "permission": "allow", "flows": [flow], "messages": messages, "key_exprs": keys,
            }));
        }
        let answered = ANSWERED.map(|key| format!("{ROOT}/{key}"));
        zenoh_rules.push(json!({
            "id": told_id, "permission": "allow", "flows": ["egress"], "messages": ["declare_queryable"],
            "key_exprs": answered,
        }));
        subjects.push(match (&rule.user, &rule.certificate) {
            (Some(user), _) => json!({ "id": subject, "usernames": [user] }),
            (_, name) => json!({ "id": subject, "cert_common_names": [name] }),
        });
        policies.push(json!({ "rules": [in_id, out_id, told_id], "subjects": [subject] }));
    }
    Some(json!({
        "enabled": true, "default_permission": "deny",
        "rules": zenoh_rules, "subjects": subjects, "policies": policies,
    }))
}

/// What may come in from them, and what may go out to them.
fn messages(may: May) -> (Vec<&'static str>, Vec<&'static str>) {
    match may {
        May::Receive => (ASKS.to_vec(), TELLS.to_vec()),
        May::Send => (TELLS.to_vec(), ASKS.to_vec()),
        May::Both => ([&ASKS[..], &TELLS].concat(), [&ASKS[..], &TELLS].concat()),
    }
}

/// A key and, if it ends in `**`, also the verbatim chunks below it.
fn reach(key: &str) -> Vec<String> {
    let Some(prefix) = key.strip_suffix("/**") else {
        return vec![key.to_owned()];
    };
    let chunks = prefix.strip_prefix(ROOT).map_or(0, |rest| rest.matches('/').count());
    let mut places = match chunks {
        0 => vec![format!("{prefix}/*/*"), format!("{prefix}/*/@node/*")],
        1 => vec![format!("{prefix}/*"), format!("{prefix}/@node/*")],
        _ => vec![prefix.to_owned()],
    };
    let verbatim: Vec<_> = places.iter().flat_map(|p| VERBATIM.map(|chunk| format!("{p}/{chunk}"))).collect();
    places.retain(|place| place.contains("@node"));
    let nodes = places.into_iter().map(|place| format!("{place}/**"));
    std::iter::once(key.to_owned()).chain(nodes).chain(verbatim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_camera_is_its_events_its_history_and_nothing_else() {
        let keys = reach("flyball/v1/hq/gate/**");
        let below = |chunk: &str| format!("flyball/v1/hq/gate/{chunk}");
        assert_eq!(keys, ["**", "@page", "@history", "@head", "@alive"].map(below));
        assert_eq!(reach("flyball/v1/hq/gate/state"), ["flyball/v1/hq/gate/state"]);
    }

    #[test]
    fn a_site_is_its_cameras_and_its_nodes() {
        let keys = reach("flyball/v1/hq/**");
        for key in
            ["flyball/v1/hq/**", "flyball/v1/hq/*/@history", "flyball/v1/hq/@node/*/**", "flyball/v1/hq/@node/*/@alive"]
        {
            assert!(keys.iter().any(|k| k == key), "{key} is missing from {keys:?}");
        }
    }

    #[test]
    fn who_may_only_listen_may_not_say_anything() {
        let rule = Access { user: Some("desk".into()), keys: vec!["flyball/v1/hq/**".into()], ..Access::default() };
        let written = access_control(&[rule]).unwrap();
        assert_eq!(written["default_permission"], "deny");
        let incoming = written["rules"].as_array().unwrap().iter().find(|r| r["flows"][0] == "ingress").unwrap();
        assert!(!incoming["messages"].as_array().unwrap().contains(&json!("put")));
        assert_eq!(access_control(&[]), None, "without rules Zenoh's own default stays");
    }

    #[test]
    fn a_rule_that_cannot_work_says_why() {
        let good = Access { user: Some("desk".into()), keys: vec!["flyball/v1/hq/**".into()], ..Access::default() };
        assert_eq!(good.problem(), None);
        assert!(Access { user: None, ..good.clone() }.problem().unwrap().contains("nobody"));
        assert!(Access { keys: vec![], ..good.clone() }.problem().unwrap().contains("keys"));
        assert!(Access { keys: vec!["**".into()], ..good }.problem().unwrap().contains("flyball/v1/"));
    }
}
