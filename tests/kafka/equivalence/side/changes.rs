//! What the super user changes on a side between requests: ACLs, share groups, features.

use super::super::{Step, world};
use super::{LIMIT, Side};
use crate::support::acls::{self, Acl};
use crate::support::process::wait_for;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const UNSUPPORTED_VERSION: i16 = 35;

impl Side {
    /// Begins to make the share group `gp-$u`, which reads these topics; returns the epoch of its only member.
    pub fn begin_share_group(&mut self, topics: &[&str]) -> i64 {
        self.beat(0, json!(topics))["memberEpoch"].as_i64().unwrap()
    }

    /// Waits until all partitions of so many topics can be read in the group. Nobody is a member of it then.
    pub fn wait_for_share_group(&mut self, topics: usize, mut epoch: i64) {
        wait_for("the share group's partitions", LIMIT, || {
            let answer = self.beat(epoch, Value::Null);
            epoch = answer["memberEpoch"].as_i64().unwrap();
            let assigned = answer["assignment"]["topicPartitions"].as_array()?;
            let both = |topic: &Value| topic["partitions"].as_array().is_some_and(|found| found.len() == 2);
            (assigned.len() == topics && assigned.iter().all(both)).then_some(())
        });
        self.beat(-1, Value::Null);
    }

    fn beat(&mut self, epoch: i64, topics: Value) -> Value {
        let body = json!({"groupId": "gp-$u", "memberId": "admin", "memberEpoch": epoch, "subscribedTopicNames": topics});
        self.prepare("ShareGroupHeartbeat", 1, &body)
    }

    /// Lowers the features of the newer protocols for groups, and waits until the door behaves so.
    pub fn switch_group_protocols_off(&mut self) {
        const DOWNGRADE: i8 = 2;
        let features = ["group.version", "share.version", "streams.version"];
        let lower = |feature| json!({"feature": feature, "maxVersionLevel": 0, "upgradeType": DOWNGRADE});
        let updates: Vec<Value> = features.map(lower).to_vec();
        let body = json!({"timeoutMs": 30_000, "featureUpdates": updates, "validateOnly": false});
        let updated = self.prepare("UpdateFeatures", 2, &body);
        assert_eq!(updated["errorCode"], 0, "{updated}");
        let share = json!({"groupId": "g-none", "memberId": "m", "memberEpoch": 0});
        wait_for("the features to be off", LIMIT, || {
            let refused = self.call("nobody", "ShareGroupHeartbeat", 1, &share);
            (refused.body()["errorCode"] == UNSUPPORTED_VERSION).then_some(())
        });
    }

    /// Waits until the broker has heard of every change so far: the metadata come in one order, so a new topic comes last.
    pub fn settle(&mut self) {
        self.fences += 1;
        self.prepare_topics(&[format!("fence-{}", self.fences)]);
    }

    /// Creates bindings at the door as the super user, and waits until they are in force.
    pub fn grant(&mut self, acl: &Acl) {
        let created = self.administer("CreateAcls", &json!({"creations": acls::creations(acl)}));
        let results = created["results"].as_array().unwrap();
        assert!(results.iter().all(|result| result["errorCode"] == 0), "{created}");
        self.wait_until_rights_are(acl, true);
    }

    /// Deletes them again.
    pub fn revoke(&mut self, acl: &Acl) {
        let deleted = self.administer("DeleteAcls", &json!({"filters": acls::filters(acl)}));
        let results = deleted["filterResults"].as_array().unwrap();
        let is_one = |result: &Value| result["matchingAcls"].as_array().is_some_and(|found| found.len() == 1);
        assert!(results.iter().all(is_one), "{deleted}");
        self.wait_until_rights_are(acl, false);
    }

    /// A broker hears of a change a moment after it was answered, and then describes it.
    fn wait_until_rights_are(&mut self, acl: &Acl, there: bool) {
        for filter in acls::filters(acl) {
            wait_for("a change of the ACLs", LIMIT, || {
                let described = self.administer("DescribeAcls", &filter);
                let is_there = !described["resources"].as_array().unwrap().is_empty();
                (is_there == there).then_some(())
            });
        }
    }

    /// Where ACLs have no prefixes, the rights on all names that begin with one are given name by name, before a case uses them.
    pub fn grant_what_begins_so(&mut self, steps: &[Step]) {
        if self.names.have_prefixes() {
            return;
        }
        let mut names = BTreeSet::new();
        for body in steps.iter().filter_map(Step::body) {
            collect_texts(body, &mut names);
        }
        let names: Vec<String> = names.iter().map(|name| self.unique(name)).collect();
        let wanted = world::literal(&self.names.of(self.principal), &names);
        let missing: Vec<Value> =
            wanted.into_iter().filter(|acl| self.granted.insert(acl.to_string())).collect();
        if !missing.is_empty() {
            let created = self.administer("CreateAcls", &json!({"creations": missing}));
            let results = created["results"].as_array().unwrap();
            assert!(results.iter().all(|result| result["errorCode"] == 0), "{created}");
        }
    }

    fn administer(&mut self, api: &str, body: &Value) -> Value {
        let body = self.filled(body);
        let version = self.version_for(api, 2);
        self.call("admin", api, version, &body).body()
    }
}

/// All texts of a body.
fn collect_texts(body: &Value, texts: &mut BTreeSet<String>) {
    match body {
        Value::String(text) => drop(texts.insert(text.clone())),
        Value::Array(elements) => elements.iter().for_each(|element| collect_texts(element, texts)),
        Value::Object(fields) => fields.values().for_each(|value| collect_texts(value, texts)),
        _ => {}
    }
}
