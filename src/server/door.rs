//! Before a request is looked at: which page sent it, and who asks.
//!
//! A browser sends requests for any page it shows, also to servers of this machine. So pages of other servers are refused
//! unless the deployment names them, and where no tokens are asked for, names other than this machine's own are refused
//! too: else a page could have its name resolve to 127.0.0.1.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{Desk, problem::Refusal};
use crate::config::Role;

/// What pages of other servers may send.
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, DELETE, OPTIONS");
const HEADERS: HeaderValue = HeaderValue::from_static("authorization, content-type, last-event-id");
/// What they may read of an answer.
const EXPOSED: HeaderValue = HeaderValue::from_static("location");

/// Where it comes from.
pub(super) async fn origin(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let host = text(request.headers(), &header::HOST).unwrap_or_default().to_owned();
    if desk.trusts_this_machine && !names_this_machine(&host) {
        let refusal = Refusal::new(StatusCode::FORBIDDEN, "this server answers to names of its own machine only");
        return refusal.try_this("ask for 127.0.0.1 or localhost").into_response();
    }
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else {
        return next.run(request).await;
    };
    let known = origin.to_str().is_ok_and(|origin| is_own(origin, &host) || desk.origins.iter().any(|o| o == origin));
    if !known {
        let refusal = Refusal::new(StatusCode::FORBIDDEN, "pages of other servers may not ask");
        return refusal.try_this("add the page's origin to `[server] origins`").into_response();
    }
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    allow(response.headers_mut(), origin);
    response
}

fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
}

fn is_own(origin: &str, host: &str) -> bool {
    origin.split_once("://").is_some_and(|(_, from)| from == host && !host.is_empty())
}

fn names_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    name == "localhost" || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Who asks, for a route that needs a role. What they may is left with the request.
pub(super) async fn role(State((desk, needed)): State<(Desk, Role)>, mut request: Request, next: Next) -> Response {
    let shown = text(request.headers(), &header::AUTHORIZATION);
    let shown =
        shown.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let Some(caller) = desk.tokens.caller(shown.map(|(_, token)| token.trim())) else {
        let refusal = Refusal::new(StatusCode::UNAUTHORIZED, "who asks is not known");
        return refusal
            .try_this("send `Authorization: Bearer TOKEN` with a token of `[[server.client]]`")
            .into_response();
    };
    if !caller.may(needed) {
        tracing::warn!(client = caller.name, role = ?needed, path = request.uri().path(), "refused: not its role");
        let refusal = Refusal::new(StatusCode::FORBIDDEN, format!("client `{}` may not do this", caller.name));
        return refusal.try_this("add the role to its `roles` in `[[server.client]]`").into_response();
    }
    request.extensions_mut().insert(caller);
    next.run(request).await
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine() {
        for ours in ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]:8080", "[::1]"] {
            assert!(names_this_machine(ours), "{ours}");
        }
        for theirs in ["", "evil.example", "evil.example:8080", "10.0.0.1:80", "localhost.evil.example:80"] {
            assert!(!names_this_machine(theirs), "{theirs}");
        }
        assert!(is_own("http://localhost:8080", "localhost:8080") && !is_own("http://localhost:81", "localhost:8080"));
        assert!(!is_own("null", "localhost"));
    }
}
