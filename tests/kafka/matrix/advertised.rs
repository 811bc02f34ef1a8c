//! What a client could speak to the broker without doorkeeper, it can speak to doorkeeper: the same APIs in the same versions.

use super::Certificates;
use crate::support::bare::Bare;
use crate::support::client::Client;
use doorkeeper::protocol::api::{Rule, TABLE};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// What doorkeeper serves of its own accord, whatever the broker has: key, first and last version.
type Served = BTreeMap<i64, (i64, i64)>;

/// APIs of clients that are withheld, and those of which doorkeeper has fewer versions than the broker: none are known, and each one
/// that comes up here needs a reason. APIs of brokers and controllers among themselves are told by doorkeeper's own table.
const LESS: [(&str, &str); 0] = [];

/// Compares the two answers to ApiVersions; says how many APIs there are, or what is missing.
pub fn compare(bare: &Bare, door: SocketAddr, certificates: &Certificates) -> Result<String, String> {
    let schemas = &bare.cluster().schemas;
    let broker = served(&mut Client::plaintext(schemas, bare.cluster().brokers[0].plaintext).unwrap());
    let doorkeeper = served(&mut Client::tls(schemas, door, &certificates.alice).unwrap());
    let mut missing = Vec::new();
    let mut withheld = 0;
    for (key, range) in &broker {
        let row = TABLE.iter().find(|row| i64::from(row.key) == *key);
        let name = row.map_or_else(|| key.to_string(), |row| row.name.to_owned());
        let never = row.is_some_and(|row| matches!(row.rule, Rule::Never(_)));
        match doorkeeper.get(key) {
            Some(same) if same == range => {}
            None if never => withheld += 1,
            _ if LESS.iter().any(|(less, _)| *less == name) => {}
            other => missing.push(format!("{name}: {range:?} at the broker, {other:?} through doorkeeper")),
        }
    }
    if missing.is_empty() {
        return Ok(format!("{} APIs in all their versions, {withheld} withheld", broker.len() - withheld));
    }
    Err(missing.join("; "))
}

fn served(client: &mut Client) -> Served {
    let answer = client.call("ApiVersions", 0, &json!({})).body();
    let number = |api: &Value, field: &str| api[field].as_i64().unwrap();
    let apis = answer["apiKeys"].as_array().unwrap();
    apis.iter()
        .map(|api| (number(api, "apiKey"), (number(api, "minVersion"), number(api, "maxVersion"))))
        .collect()
}
