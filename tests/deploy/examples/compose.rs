//! The cluster for a laptop.

use super::{assert_sound, deploy, read};
use serde_json::Value;

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().map_or(&[][..], Vec::as_slice).iter().filter_map(Value::as_str).collect()
}

/// The file as Docker reads it: `<<` takes over what the mapping does not have itself.
fn composed() -> Value {
    let text = std::fs::read_to_string(deploy("compose/compose.yaml")).unwrap();
    let mut compose: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
    compose.apply_merge().unwrap();
    serde_json::to_value(compose).unwrap()
}

#[test]
fn each_broker_s_address_leads_to_the_doorkeeper_beside_it() {
    let compose = composed();
    let config = &read("compose/doorkeeper/doorkeeper.yaml")[0];
    let listener = &config["listeners"][0];
    let mapped = &listener["address_mapping"]["ports"];
    for id in 1..=3 {
        let broker = &compose["services"][format!("kafka-{id}")];
        let environment = &broker["environment"];
        assert_eq!(environment["KAFKA_NODE_ID"], id.to_string());
        let advertised = environment["KAFKA_ADVERTISED_LISTENERS"].as_str().unwrap();
        let port = advertised.strip_prefix("CLIENTS://localhost:").unwrap().split(',').next().unwrap();
        assert_eq!(texts(&broker["ports"]), [format!("127.0.0.1:{}:9443", mapped[port])]);
        assert_eq!(listener["bind"], "0.0.0.0:9443");
        let listeners = environment["KAFKA_LISTENERS"].as_str().unwrap();
        assert!(listeners.starts_with("CLIENTS://127.0.0.1:9092,"), "{listeners}");
        assert_eq!(listener["upstream"], "127.0.0.1:9092");
        let doorkeeper = &compose["services"][format!("doorkeeper-{id}")];
        assert_eq!(doorkeeper["network_mode"], format!("service:kafka-{id}"));
        assert_eq!(texts(&doorkeeper["healthcheck"]["test"]), ["CMD", "/doorkeeper", "healthcheck"]);
    }
    assert_eq!(mapped.as_object().unwrap().len(), 3);
    let text = |name: &str| std::fs::read_to_string(deploy("compose/doorkeeper").join(name)).unwrap();
    assert_sound(&text("doorkeeper.yaml"), &text("acls.yaml"));
}

#[test]
fn what_is_mounted_is_there_and_what_is_scraped_is_served() {
    let compose = composed();
    let mut seen = 0;
    for (name, service) in compose["services"].as_object().unwrap() {
        for volume in texts(&service["volumes"]) {
            let source = volume.split(':').next().unwrap();
            assert!(deploy("compose").join(source).exists(), "{name} mounts {source}, which is not there");
            seen += 1;
        }
    }
    assert!(seen >= 8, "{seen}");
    for file in ["prometheus/prometheus.yml", "grafana/datasources.yaml", "grafana/dashboards.yaml"] {
        assert_eq!(read(&format!("compose/{file}")).len(), 1, "{file}");
    }
    let prometheus = &read("compose/prometheus/prometheus.yml")[0];
    let targets = texts(&prometheus["scrape_configs"][0]["static_configs"][0]["targets"]);
    assert_eq!(targets, ["kafka-1:9901", "kafka-2:9901", "kafka-3:9901"]);
    let config = &read("compose/doorkeeper/doorkeeper.yaml")[0];
    assert_eq!(config["admin"]["bind"], "0.0.0.0:9901");
    let rules = texts(&prometheus["rule_files"])[0].rsplit('/').next().unwrap().to_owned();
    assert!(deploy("../helm/doorkeeper/alerts").join(rules).exists());
}
