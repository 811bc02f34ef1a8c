//! placeholder
/// x
pub const ANONYMOUS: &str = "User:ANONYMOUS";
/// x
pub fn distinguished_name(_subject: &[u8]) -> Result<String, String> {
    Ok(String::new())
}
/// x
#[derive(Default)]
pub struct MappingRules;
impl MappingRules {
    /// x
    pub fn apply(&self, dn: &str) -> Result<String, String> {
        Ok(dn.to_owned())
    }
}
