//! The messages of OAUTHBEARER (RFC 7628) as `OAuthBearerClientInitialResponse` reads them.

use std::fmt;

use zeroize::Zeroizing;

use super::Rejection;
use super::scram::is_sasl_name;

const SEPARATOR: char = '\u{1}';

/// What a client says at first.
pub struct BearerResponse {
    /// Whose rights it wants; empty for the token's.
    pub authorization: String,
    /// Its token, in the compact form of a JSON Web Token.
    pub token: Zeroizing<String>,
}

impl fmt::Debug for BearerResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerResponse").finish_non_exhaustive()
    }
}

/// What a client is told of a token that is not taken: it answers with one byte, and then the login has failed
/// (RFC 7628, section 3.2.2; `OAuthBearerSaslServer.jsonErrorResponse`).
pub const INVALID_TOKEN: &str = r#"{"status":"invalid_token"}"#;

/// Whether it is the byte by which a client takes note of that.
pub fn is_acknowledgement(message: &[u8]) -> bool {
    message == [1]
}

impl BearerResponse {
    /// Reads the client's message.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(message: &[u8]) -> Result<Self, Rejection> {
        let fault = |why: &str| Rejection::Untold(format!("Invalid OAUTHBEARER client first message: {why}"));
        let text = std::str::from_utf8(message).map_err(|_| fault("it is not text"))?;
        let rest = text.strip_prefix("n,").ok_or_else(|| fault("it does not begin with 'n,'"))?;
        let (authorization, rest) = rest.split_once(',').ok_or_else(|| fault("it has one part only"))?;
        let authorization = match authorization {
            "" => "",
            name => name
                .strip_prefix("a=")
                .filter(|name| is_sasl_name(name))
                .ok_or_else(|| fault("the authorization id cannot be read"))?,
        };
        let rest = rest.strip_prefix(SEPARATOR).ok_or_else(|| fault("a separator is missing"))?;
        // Each pair ends in a separator, and one more ends the message.
        let pairs = match rest.strip_suffix(SEPARATOR) {
            Some("") => Some(""),
            Some(pairs) => pairs.strip_suffix(SEPARATOR),
            None => None,
        };
        let pairs = pairs.ok_or_else(|| fault("it does not end as it should"))?;
        let mut token = None;
        for pair in pairs.split(SEPARATOR).filter(|_| !pairs.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or_else(|| fault("a pair has no '='"))?;
            let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphabetic());
            let is_value = !value.is_empty()
                && value.bytes().all(|byte| matches!(byte, 0x21..=0x7e | b' ' | b'\t' | b'\r' | b'\n'));
            if !is_key || !is_value {
                return Err(fault("a pair cannot be read"));
            }
            // Others are extensions (KIP-342), which nobody here looks at. The last one counts.
            if key == "auth" {
                token = Some(value);
            }
        }
        let auth = token.ok_or_else(|| fault("'auth' not specified"))?;
        let (scheme, token) = auth.split_once(' ').ok_or_else(|| fault("'auth' has no token"))?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            // Kafka looks for the scheme's name for its message where there is none, and ends with another exception.
            return Err(Rejection::Silent("the scheme of OAUTHBEARER's token is not Bearer".to_owned()));
        }
        let token = token.trim_start_matches(' ');
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if token.is_empty() || !token.bytes().all(is_token) {
            return Err(fault("the token has other characters than a token has"));
        }
        Ok(Self { authorization: authorization.to_owned(), token: Zeroizing::new(token.to_owned()) })
    }

    /// Who a client is whose token is this principal's.
    ///
    /// # Errors
    /// When it wants somebody else's rights.
    pub fn judge(authorization: &str, principal: String) -> Result<String, Rejection> {
        match authorization.is_empty() || authorization == principal {
            true => Ok(principal),
            false => Err(Rejection::Told(format!(
                "Authentication failed: Client requested an authorization id ({authorization}) that is different from the \
                 token's principal name ({principal})"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_kafka_reads_them() {
        let read = |text: &str| BearerResponse::read(text.as_bytes());
        let told = read("n,,\u{1}auth=Bearer a.b-c_D\u{1}\u{1}").unwrap();
        assert_eq!((&*told.authorization, &**told.token), ("", "a.b-c_D"));
        let told = read("n,a=bob,\u{1}traceId=1 2\u{1}auth=bEARER   t\u{1}\u{1}").unwrap();
        assert_eq!((&*told.authorization, &**told.token), ("bob", "t"));
        for wrong in [
            "",
            "\u{1}",
            "n,,",
            "y,,\u{1}auth=Bearer t\u{1}\u{1}",
            "n,,\u{1}auth=Bearer t\u{1}",
            "n,,\u{1}\u{1}",
            "n,,\u{1}auth=Bearer\u{1}\u{1}",
            "n,,\u{1}auth=Bearer t t\u{1}\u{1}",
            "n,,\u{1}auth=Bearer é\u{1}\u{1}",
            "n,,\u{1}a1=x\u{1}\u{1}",
            "n,b=x,\u{1}auth=Bearer t\u{1}\u{1}",
            "n,,\u{1}auth=Bearer t\u{1}\u{1}\u{1}",
            "n,,auth=Bearer t\u{1}\u{1}",
            "n,,\u{1}x=\u{1}auth=Bearer t\u{1}\u{1}",
        ] {
            assert!(matches!(read(wrong), Err(Rejection::Untold(_))), "{wrong:?}");
        }
        let basic = read("n,,\u{1}auth=Basic t\u{1}\u{1}").unwrap_err();
        assert!(matches!(basic, Rejection::Silent(_)), "{basic:?}");
        assert!(is_acknowledgement(b"\x01") && !is_acknowledgement(b""));
    }

    #[test]
    fn nobody_has_anothers_rights() {
        assert_eq!(BearerResponse::judge("", "bob".into()), Ok("bob".into()));
        assert_eq!(BearerResponse::judge("bob", "bob".into()), Ok("bob".into()));
        let other = BearerResponse::judge("root", "bob".into()).unwrap_err();
        assert!(other.why().contains("(root)") && other.why().contains("(bob)"));
    }
}
