//! What the Helm chart renders for the sidecar, put in force as a kubelet and a network plugin would.

use crate::support::acls::{self, Acl};
use crate::support::kafka::scratch;
use crate::support::tools::{Tools, said};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// The namespace of the release, which is the brokers'.
const NAMESPACE: &str = "demo";
/// The Secret with the certificates.
const SECRET: &str = "kafka-tls";

/// Certificates are looked at more often than anybody would want it, for a test that waits for it.
const VALUES: &str = r#"
image: { repository: registry.example.com/doorkeeper }
config:
  listeners:
    - name: clients
      bind: 0.0.0.0:9443
      upstream: 127.0.0.1:9092
      principal_mapping_rules: "RULE:^CN=([^,]+).*$/$1/, DEFAULT"
      tls: { reload_interval: 200ms }
  authorization: { super_users: ["User:admin"] }
tls: { existingSecret: kafka-tls }
broker:
  matchLabels: { app: kafka }
  headlessServices: [kafka-headless]
  ports: [9092, 9094, 9095]
networkPolicy: { enabled: true }
"#;

/// The objects of a release.
pub struct Chart(Vec<Value>);

impl Chart {
    /// With further values as helm's `--set` takes them. None, and a line that says so, where there is no helm.
    pub fn render(acls: &[Acl], set: &str) -> Option<Chart> {
        let tools = Tools::find(&crate::support::test_name())?;
        let values = scratch("chart").join("values.yaml");
        let bindings: String = acls::yaml(acls).lines().map(|line| format!("    {line}\n")).collect();
        std::fs::write(&values, format!("{VALUES}acls:\n  bindings:\n{bindings}")).unwrap();
        let values = values.display().to_string();
        let output = tools.helm(&[
            "template",
            "kafka",
            "helm/doorkeeper",
            "-n",
            NAMESPACE,
            "-f",
            &values,
            "--set",
            set,
        ]);
        assert!(output.status.success(), "{}", said(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        let objects = serde_yaml::Deserializer::from_str(&text).map(|part| Value::deserialize(part).unwrap());
        Some(Chart(objects.filter(|object| !object.is_null()).collect()))
    }

    fn one(&self, matches: impl Fn(&Value) -> bool) -> &Value {
        self.0.iter().find(|object| matches(object)).expect("an object that the chart renders")
    }

    /// The files that the kubelet mounts into the sidecar, by their paths; `secret` is the Secret's data.
    pub fn files(&self, secret: &BTreeMap<&str, String>) -> BTreeMap<String, String> {
        let pod = self.one(|object| object["kind"] == "Pod");
        let mut files = BTreeMap::new();
        for source in pod["spec"]["volumes"][0]["projected"]["sources"].as_array().unwrap() {
            for (kind, items) in source.as_object().unwrap() {
                for item in items["items"].as_array().unwrap() {
                    let key = item["key"].as_str().unwrap();
                    let text = match kind.as_str() {
                        "configMap" => {
                            let named = |object: &Value| {
                                object["kind"] == "ConfigMap" && object["metadata"]["name"] == items["name"]
                            };
                            self.one(named)["data"][key].as_str().unwrap().to_owned()
                        }
                        "secret" => {
                            assert_eq!(items["name"], SECRET);
                            secret[key].clone()
                        }
                        other => panic!("a volume's source of kind {other}"),
                    };
                    files.insert(item["path"].as_str().unwrap().to_owned(), text);
                }
            }
        }
        files
    }

    /// The NetworkPolicy as rules of nftables for a broker's pod; it knows brokers, and pods in other namespaces.
    pub fn firewall(&self, brokers: &[Ipv4Addr]) -> String {
        let policy = &self.one(|object| object["kind"] == "NetworkPolicy")["spec"];
        assert_eq!(policy["policyTypes"], serde_json::json!(["Ingress"]));
        let brokers: Vec<_> = brokers.iter().map(ToString::to_string).collect();
        let mut rules = String::new();
        for rule in policy["ingress"].as_array().unwrap() {
            let ports = rule["ports"].as_array().map(|ports| {
                let numbers: Vec<_> = ports.iter().map(|port| port["port"].to_string()).collect();
                format!("tcp dport {{ {} }} ", numbers.join(", "))
            });
            let ports = ports.unwrap_or_default();
            let Some(from) = rule["from"].as_array() else {
                rules.push_str(&format!("{ports}accept\n"));
                continue;
            };
            for peer in from {
                let peers =
                    if peer["podSelector"] == policy["podSelector"] && peer["namespaceSelector"].is_null() {
                        format!("ip saddr {{ {} }} ", brokers.join(", "))
                    } else {
                        assert_eq!(
                            *peer,
                            serde_json::json!({"namespaceSelector": {}}),
                            "a peer that is not known here"
                        );
                        String::new()
                    };
                rules.push_str(&format!("{peers}{ports}accept\n"));
            }
        }
        // A network plugin drops; a reset says the same sooner.
        format!(
            "table inet pods {{ chain input {{ type filter hook input priority 0; policy accept;\n\
             iifname lo accept\nct state established accept\n{rules}meta l4proto tcp reject with tcp reset\n}}\n}}\n"
        )
    }
}
