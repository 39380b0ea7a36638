//! Who asks: the token shown is compared with every client's, in the same time whether it is nearly right or not at all.

use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::config::{Client, Role};
use crate::scene::CameraId;

/// Everybody who may ask.
#[derive(Debug)]
pub(super) struct Tokens(Vec<Known>);

#[derive(Debug)]
struct Known {
    /// Tokens are compared by their digests: those are all of one length.
    digest: [u8; 32],
    caller: Caller,
}

/// Somebody who asks, and what they may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// For the log.
    pub(super) name: String,
    roles: Vec<Role>,
    cameras: Option<Vec<CameraId>>,
}

impl Tokens {
    /// These clients.
    pub(super) fn new(clients: &[Client]) -> Self {
        let known = clients.iter().map(|client| Known {
            digest: Sha256::digest(client.token.expose()).into(),
            caller: Caller { name: client.name.clone(), roles: client.roles.clone(), cameras: client.cameras.clone() },
        });
        Self(known.collect())
    }

    /// Who shows this token; `None`: nobody we know. Where no clients are declared, everybody may everything.
    pub(super) fn caller(&self, shown: Option<&str>) -> Option<Caller> {
        if self.0.is_empty() {
            let roles = vec![Role::Read, Role::Publish, Role::View, Role::Control];
            return Some(Caller { name: "anybody".to_owned(), roles, cameras: None });
        }
        let shown: [u8; 32] = Sha256::digest(shown?).into();
        let (mut found, mut which) = (Choice::from(0), 0_u64);
        for (at, known) in self.0.iter().enumerate() {
            let same = known.digest.ct_eq(&shown);
            which.conditional_assign(&(at as u64), same);
            found |= same;
        }
        bool::from(found).then(|| self.0[which as usize].caller.clone())
    }
}

impl Caller {
    /// Whether this role was given.
    pub(super) fn may(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether this role was given for this camera.
    pub(super) fn may_with(&self, role: Role, camera: &CameraId) -> bool {
        self.may(role) && self.cameras.as_ref().is_none_or(|cameras| cameras.contains(camera))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn client(name: &str, token: &str, roles: &[Role]) -> Client {
        let cameras = Some(vec![CameraId::new("gate").unwrap()]);
        Client { name: name.into(), token: Secret::new(token), roles: roles.to_vec(), cameras }
    }

    #[test]
    fn a_token_says_who_and_what() {
        let tokens =
            Tokens::new(&[client("ops", "first-token", &[Role::Read]), client("obs", "second", &[Role::Publish])]);
        let obs = tokens.caller(Some("second")).unwrap();
        assert_eq!(obs.name, "obs");
        assert!(obs.may(Role::Publish) && !obs.may(Role::Read) && !obs.may(Role::Control));
        let [gate, hall] = ["gate", "hall"].map(|id| CameraId::new(id).unwrap());
        assert!(obs.may_with(Role::Publish, &gate) && !obs.may_with(Role::Publish, &hall));
        assert!(!obs.may_with(Role::View, &gate));
        assert!(!tokens.caller(Some("first-token")).unwrap().may_with(Role::Publish, &gate));
        for wrong in [None, Some(""), Some("secon"), Some("second "), Some("first-tokenfirst-token")] {
            assert_eq!(tokens.caller(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn without_clients_everybody_may() {
        assert!(Tokens::new(&[]).caller(None).unwrap().may(Role::Control));
    }
}
