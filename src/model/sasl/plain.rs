//! PLAIN (RFC 4616) as `PlainSaslServer` has it.

use std::fmt;

use zeroize::Zeroizing;

use super::Rejection;

/// What a client says of itself.
pub struct Login {
    /// Whose rights it wants; empty for its own.
    pub authorization: String,
    /// Who it is.
    pub user: String,
    /// What only that user knows.
    pub password: Zeroizing<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Login {
    /// Reads the only message.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(message: &[u8]) -> Result<Self, Rejection> {
        // What is not UTF-8 Java reads with replacements, so that several passwords are one: nobody has such a name.
        let text = std::str::from_utf8(message)
            .map_err(|_| Rejection::Told("Authentication failed: Invalid username or password".into()))?;
        // `PlainSaslServer.extractTokens` stops looking at the fourth.
        let tokens: Vec<&str> = text.splitn(4, '\0').collect();
        let count = text.split('\0').take(4).count();
        let &[authorization, user, password] = &tokens[..] else {
            return Err(Rejection::Told(format!(
                "Invalid SASL/PLAIN response: expected 3 tokens, got {count}"
            )));
        };
        let told = |why: &str| Err(Rejection::Told(format!("Authentication failed: {why}")));
        if user.is_empty() {
            return told("username not specified");
        }
        if password.is_empty() {
            return told("password not specified");
        }
        Ok(Self {
            authorization: authorization.to_owned(),
            user: user.to_owned(),
            password: Zeroizing::new(password.to_owned()),
        })
    }

    /// Who it is once the password has been found right or wrong.
    ///
    /// # Errors
    /// When it was wrong, or somebody else's rights are wanted.
    pub fn judge(authorization: &str, user: String, is_right: bool) -> Result<String, Rejection> {
        let told = |why: &str| Err(Rejection::Told(format!("Authentication failed: {why}")));
        if !is_right {
            return told("Invalid username or password");
        }
        if !authorization.is_empty() && authorization != user {
            return told("Client requested an authorization id that is different from username");
        }
        Ok(user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_kafka_reads_them() {
        let login = Login::read("\0bob\0s3crét".as_bytes()).unwrap();
        assert_eq!((&*login.authorization, &*login.user, &**login.password), ("", "bob", "s3crét"));
        assert!(!format!("{login:?}").contains("s3cr"));
        let login = Login::read(b"bob\0bob\0x").unwrap();
        assert_eq!(login.authorization, "bob");
        for (message, why) in [
            (&b""[..], "expected 3 tokens, got 1"),
            (b"bob\0x", "expected 3 tokens, got 2"),
            (b"\0bob\0x\0y", "expected 3 tokens, got 4"),
            (b"\0bob\0x\0y\0z", "expected 3 tokens, got 4"),
            (b"\0\0x", "username not specified"),
            (b"\0bob\0", "password not specified"),
            (b"\0bob\0\xff", "Invalid username or password"),
        ] {
            let rejection = Login::read(message).unwrap_err();
            assert!(matches!(&rejection, Rejection::Told(told) if told.contains(why)), "{rejection:?}");
        }
    }

    #[test]
    fn a_right_password_is_for_oneself_alone() {
        assert_eq!(Login::judge("", "bob".into(), true), Ok("bob".into()));
        assert_eq!(Login::judge("bob", "bob".into(), true), Ok("bob".into()));
        assert!(
            Login::judge("root", "bob".into(), true).unwrap_err().why().contains("different from username")
        );
        assert!(Login::judge("root", "bob".into(), false).unwrap_err().why().contains("Invalid username"));
    }
}
