//! The files that an operator edits: `doorkeeper.yaml` and `acls.yaml`.

use std::net::SocketAddr;

use crate::process::config::HostPort;

/// `doorkeeper.yaml`, with the names, ports and words of `docs/host.md`.
pub(super) fn configuration(
    upstream: &HostPort,
    (bind, admin): (SocketAddr, SocketAddr),
    with_sasl: bool,
) -> String {
    let (client_auth, sasl) = match with_sasl {
        false => ("required", ""),
        true => (
            "requested",
            "    # Whoever has no certificate logs in: `doorkeeper users set NAME --file users.yaml --generate`.
    sasl: { mechanisms: [SCRAM-SHA-512], required: without_certificate, users: { file: users.yaml } }
",
        ),
    };
    format!(
        r#"# Made by `doorkeeper init`. `doorkeeper config reference` lists every key; relative paths start at the folder of this file.
version: 1

listeners:
  - name: clients
    bind: "{bind}"
    upstream: "{upstream}"
    tls:
      certificate_chain: tls/tls.crt
      private_key: tls/tls.key
      client_ca: tls/ca.crt
      client_auth: {client_auth}
{sasl}    # CN=alice,O=Example becomes User:alice; what does not match keeps its whole subject.
    principal_mapping_rules: "RULE:^CN=([^,]+).*$/$1/, DEFAULT"
    # Clients are told the host that the broker advertises, with this port; the certificate must be for that host.
    address_mapping: {{ strategy: keep_host, ports: {{ {from}: {to} }} }}

authorization:
  super_users: ["User:admin"]
  allow_everyone_if_no_acl_found: false
  acls: {{ file: acls.yaml }}

# /metrics, /livez and /readyz
admin: {{ bind: "{admin}" }}
"#,
        from = upstream.port,
        to = bind.port(),
    )
}

/// `acls.yaml`: what is a client's own by its name, and examples to edit.
pub(super) fn acls(clients: &[String]) -> String {
    let mut text = "# Made by `doorkeeper init`, to be edited. Whatever no entry allows is denied; the super user admin needs none. Changes are
# taken within seconds, and `doorkeeper acls explain` says which entry decides. More of this: docs/acls.md.
"
    .to_owned();
    for name in clients {
        text += &format!(
            r#"
# {name} may make, write and read the topics that begin with "{name}.", in groups that begin so.
- {{ principal: "User:{name}", topic: {name}., pattern: prefixed, operations: [Create, Write, Read] }}
- {{ principal: "User:{name}", group: {name}., pattern: prefixed, operations: [Read] }}
# Without the first sign: {name} may read one topic of others.
# - {{ principal: "User:{name}", topic: orders, operations: [Read] }}
"#
        );
    }
    if clients.is_empty() {
        text += r#"
# Without the first signs: alice may write to a topic, and read from it in one group.
# - { principal: "User:alice", topic: orders, operations: [Write, Read] }
# - { principal: "User:alice", group: billing, operations: [Read] }
[]
"#;
    }
    text
}
