//! Configurations of topics, brokers, groups and client metrics.
//!
//! A broker behind doorkeeper knows only of its own plaintext listener. What a client is told of listeners is the one
//! that it speaks to; addresses that lead past it are told to nobody, and nobody may change the broker's listeners.

use std::collections::{HashMap, HashSet};

use super::versions::is_4_4;
use super::{Api, RuleOutcome};
use crate::model::acl::{Operation, ResourceType};
use crate::model::advertise::Advertised;
use crate::protocol::access::{Access, Broker};
use crate::protocol::error_code::*;
use crate::protocol::messages::describe_configs_request::DescribeConfigsResource;
use crate::protocol::messages::describe_configs_response::DescribeConfigsResult;
use crate::protocol::messages::{
    AlterConfigsRequest, AlterConfigsResponse, DescribeConfigsRequest, DescribeConfigsResponse, FetchRequest,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, ListConfigResourcesRequest,
    alter_configs_request, alter_configs_response, incremental_alter_configs_request,
    incremental_alter_configs_response,
};
use crate::protocol::wire::{Fault, Message, Str};

/// `ConfigResource.Type`
const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const BROKER_LOGGER: i8 = 8;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;

/// The resource whose ACLs guard the configurations of a type; none of a type that the broker does not know.
fn guard(resource_type: i8, broker: &Broker) -> Option<ResourceType> {
    match resource_type {
        TOPIC => Some(ResourceType::Topic),
        BROKER | BROKER_LOGGER => Some(ResourceType::Cluster),
        // Since 3.7, as the API that lists them.
        CLIENT_METRICS if !broker.versions(ListConfigResourcesRequest::KEY).is_empty() => {
            Some(ResourceType::Cluster)
        }
        // Since 4.0, which dropped the first versions of Fetch.
        GROUP if *broker.versions(FetchRequest::KEY).start() >= 4 => Some(ResourceType::Group),
        _ => None,
    }
}

fn is_allowed(operation: Operation, guard: ResourceType, name: &str, access: &mut Access<'_>) -> bool {
    match guard {
        ResourceType::Cluster => access.allows_cluster(operation),
        guard => access.allows(operation, guard, name),
    }
}

fn denial(guard: ResourceType) -> i16 {
    match guard {
        ResourceType::Topic => TOPIC_AUTHORIZATION_FAILED,
        ResourceType::Group => GROUP_AUTHORIZATION_FAILED,
        _ => CLUSTER_AUTHORIZATION_FAILED,
    }
}

/// `ConfigHelper.handleDescribeConfigsRequest`
impl Api for DescribeConfigsRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<DescribeConfigsResponse>, Fault> {
        if self.resources.iter().any(|resource| guard(resource.resource_type, access.broker).is_none()) {
            let results = self.resources.drain(..).map(|resource| not_described(resource, INVALID_REQUEST));
            return Ok(RuleOutcome::Answer(DescribeConfigsResponse {
                results: results.collect(),
                ..Default::default()
            }));
        }
        let mut denied = Vec::new();
        let operation = Operation::DescribeConfigs;
        for resource in std::mem::take(&mut self.resources) {
            match guard(resource.resource_type, access.broker) {
                Some(guard) if !is_allowed(operation, guard, &resource.resource_name, access) => {
                    denied.push(not_described(resource, denial(guard)));
                }
                _ => self.resources.push(resource),
            }
        }
        if self.resources.is_empty() {
            return Ok(RuleOutcome::Answer(DescribeConfigsResponse {
                results: denied,
                ..Default::default()
            }));
        }
        let of_brokers = self.resources.iter().any(|resource| resource.resource_type == BROKER);
        let edited = !denied.is_empty();
        if !of_brokers && !edited {
            return Ok(RuleOutcome::Forward);
        }
        let amend = Box::new(move |answer: &mut DescribeConfigsResponse, access: &mut Access<'_>| {
            for result in answer.results.iter_mut().filter(|result| result.resource_type == BROKER) {
                show_own_listener(result, access.advertised);
            }
            answer.results.extend(denied);
        });
        Ok(if edited { RuleOutcome::Trim(amend) } else { RuleOutcome::Amend(amend) })
    }
}

fn not_described(resource: DescribeConfigsResource, error_code: i16) -> DescribeConfigsResult {
    DescribeConfigsResult {
        error_code,
        error_message: Some(message(error_code).into()),
        resource_type: resource.resource_type,
        resource_name: resource.resource_name,
        ..Default::default()
    }
}

/// What a client is told of a broker's setting instead of its value.
#[derive(Clone, Copy)]
enum Told {
    /// The listeners as the client may reach them.
    OwnListeners,
    /// That there is TLS.
    OwnProtocol,
    /// As of a password: nothing.
    Nothing,
}

/// The settings of brokers that hold addresses at which nothing asks for a certificate.
static ADDRESSES: &[(&str, Told)] = &[
    ("listeners", Told::OwnListeners),
    ("advertised.listeners", Told::OwnListeners),
    ("listener.security.protocol.map", Told::OwnProtocol),
    ("controller.quorum.voters", Told::Nothing),
    ("controller.quorum.bootstrap.servers", Told::Nothing),
    ("zookeeper.connect", Told::Nothing),
    // Until 2.8.
    ("host.name", Told::Nothing),
    ("port", Told::Nothing),
    ("advertised.host.name", Told::Nothing),
    ("advertised.port", Told::Nothing),
];

fn show_own_listener(result: &mut DescribeConfigsResult, advertised: &Advertised) {
    let node = result.resource_name.parse().unwrap_or(-1);
    let told = |name: &str, value: &Option<Str>| {
        let value = value.as_deref().filter(|value| !value.is_empty())?;
        let (_, told) = ADDRESSES.iter().find(|(known, _)| *known == name)?;
        Some(match told {
            Told::OwnListeners => own_listeners(value, node, advertised),
            Told::OwnProtocol => Some("SSL:SSL".into()),
            Told::Nothing => None,
        })
    };
    for config in &mut result.configs {
        for synonym in &mut config.synonyms {
            if let Some(told) = told(&synonym.name, &synonym.value) {
                synonym.value = told;
            }
        }
        if let Some(told) = told(&config.name, &config.value) {
            config.is_sensitive |= told.is_none();
            config.value = told;
        }
    }
}

/// `listeners` with the addresses of sidecars; none if no address is known to be one.
fn own_listeners(listeners: &str, node: i32, advertised: &Advertised) -> Option<Str> {
    if !advertised.rewrites() {
        // Which of the broker's addresses lead to a sidecar, nobody has told.
        return None;
    }
    let mut own: Vec<String> = Vec::new();
    for listener in listeners.split(',') {
        let Some((host, port)) = listener.split_once("://").and_then(|(_, address)| address.rsplit_once(':'))
        else {
            continue;
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let Ok(port) = port.trim().parse() else { continue };
        let Ok((host, port)) = advertised.address(node, host, port) else { continue };
        let told = match host.contains(':') {
            true => format!("SSL://[{host}]:{port}"),
            false => format!("SSL://{host}:{port}"),
        };
        if !own.contains(&told) {
            own.push(told);
        }
    }
    (!own.is_empty()).then(|| own.join(",").into())
}

/// Whether the setting belongs to the listeners of the broker, which are not those that clients know.
fn is_of_listener(key: &str) -> bool {
    const PREFIXES: [&str; 4] = ["listener", "advertised.", "ssl.", "sasl."];
    PREFIXES.iter().any(|prefix| key.starts_with(prefix)) || key == "principal.builder.class"
}

/// A resource in either of the two APIs that change configurations.
trait Changeable {
    type Changed: Send + 'static;
    /// Whether the levels of a broker's loggers may be changed, too.
    const LOGGERS: bool;

    fn change(&self) -> Change<'_>;
    fn refused(resource_type: i8, resource_name: Str, refusal: Refusal) -> Self::Changed;
    fn resource(changed: &Self::Changed) -> (i8, Str);
}

/// A change of one resource.
struct Change<'a> {
    resource_type: i8,
    name: &'a Str,
    /// Keys, and whether a value is missing.
    keys: Vec<(&'a Str, bool)>,
}

/// Why a change is refused.
struct Refusal {
    error_code: i16,
    error_message: Option<Str>,
}

impl Refusal {
    fn invalid(message: impl Into<Str>) -> Self {
        Self { error_code: INVALID_REQUEST, error_message: Some(message.into()) }
    }

    /// The broker does not say what became of the resource.
    fn forgotten() -> Self {
        let error_code = UNKNOWN_SERVER_ERROR;
        Self { error_code, error_message: Some(message(error_code).into()) }
    }

    fn denied(guard: ResourceType) -> Self {
        let error_code = denial(guard);
        Self { error_code, error_message: Some(message(error_code).into()) }
    }
}

/// Which changes are refused, in their order. What is wrong with a change comes before what is not allowed
/// (`ConfigAdminManager.preprocess`, then `ControllerApis`).
fn refusals(changes: &[Change<'_>], loggers: bool, access: &mut Access<'_>) -> Vec<Option<Refusal>> {
    let mut counts: HashMap<_, usize> = HashMap::with_capacity(changes.len());
    for change in changes {
        *counts.entry((change.resource_type, change.name)).or_default() += 1;
    }
    let is_repeated = |change: &Change<'_>| counts.get(&(change.resource_type, change.name)) != Some(&1);
    changes
        .iter()
        .map(|change| match is_repeated(change) {
            true => Some(Refusal::invalid("Each resource must appear at most once.")),
            false => refusal(change, loggers, access),
        })
        .collect()
}

fn refusal(change: &Change<'_>, loggers: bool, access: &mut Access<'_>) -> Option<Refusal> {
    let mut seen = HashSet::with_capacity(change.keys.len());
    if !change.keys.iter().all(|(key, _)| seen.insert(*key)) {
        return Some(Refusal::invalid("Error due to duplicate config keys"));
    }
    let listed = |keys: Vec<&str>| (!keys.is_empty()).then(|| keys.join(", "));
    let without_value = change.keys.iter().filter(|(_, missing)| *missing).map(|(key, _)| key.as_str());
    if let Some(keys) = listed(without_value.collect()) {
        return Some(Refusal::invalid(format!("Null value not supported for : {keys}")));
    }
    let is_known = loggers || change.resource_type != BROKER_LOGGER;
    let Some(guard) = guard(change.resource_type, access.broker).filter(|_| is_known) else {
        return Some(Refusal::invalid(format!("Unknown resource type {}", change.resource_type)));
    };
    if !is_allowed(Operation::AlterConfigs, guard, change.name, access) {
        let mut denied = Refusal::denied(guard);
        // The broker refuses these itself, without a word, and the controller all others.
        if change.resource_type == BROKER_LOGGER || change.resource_type == BROKER && is_4_4(access.broker) {
            denied.error_message = None;
        }
        return Some(denied);
    }
    if change.resource_type == BROKER {
        let of_listeners = change.keys.iter().map(|(key, _)| key.as_str()).filter(|key| is_of_listener(key));
        if let Some(keys) = listed(of_listeners.collect()) {
            return Some(Refusal::invalid(format!("Cannot update these configs dynamically: [{keys}]")));
        }
    }
    None
}

/// `ConfigAdminManager`: takes out what is refused, and puts the answer together in the request's order.
fn alter<R: Changeable, A: Default + 'static>(
    resources: &mut Vec<R>,
    responses: fn(&mut A) -> &mut Vec<R::Changed>,
    access: &mut Access<'_>,
) -> RuleOutcome<A> {
    let changes: Vec<_> = resources.iter().map(R::change).collect();
    let mut refusals = refusals(&changes, R::LOGGERS, access).into_iter();
    let asked = resources.len();
    let mut places = Vec::with_capacity(asked);
    resources.retain(|resource| {
        let Change { resource_type, name, .. } = resource.change();
        let refusal = refusals.next().flatten();
        let is_left = refusal.is_none();
        places.push((resource_type, name.clone(), refusal));
        is_left
    });
    if resources.len() == asked && asked > 0 {
        return RuleOutcome::Forward;
    }
    let place = move |answer: &mut A| {
        let found = std::mem::take(responses(answer));
        let mut found: HashMap<_, _> = found.into_iter().map(|found| (R::resource(&found), found)).collect();
        *responses(answer) = places
            .into_iter()
            .map(|(resource_type, name, refusal)| match refusal {
                Some(refusal) => R::refused(resource_type, name, refusal),
                None => found
                    .remove(&(resource_type, name.clone()))
                    .unwrap_or_else(|| R::refused(resource_type, name, Refusal::forgotten())),
            })
            .collect();
    };
    if resources.is_empty() {
        let mut answer = A::default();
        place(&mut answer);
        return RuleOutcome::Answer(answer);
    }
    RuleOutcome::Trim(Box::new(|answer, _| place(answer)))
}

macro_rules! alters_configs {
    ($request:ident, $response:ident, $in:ident, $out:ident, loggers $loggers:literal, |$config:ident| $without_value:expr) => {
        impl Changeable for $in::AlterConfigsResource {
            type Changed = $out::AlterConfigsResourceResponse;
            const LOGGERS: bool = $loggers;

            fn change(&self) -> Change<'_> {
                Change {
                    resource_type: self.resource_type,
                    name: &self.resource_name,
                    keys: self.configs.iter().map(|$config| (&$config.name, $without_value)).collect(),
                }
            }

            fn refused(resource_type: i8, resource_name: Str, refusal: Refusal) -> Self::Changed {
                let Refusal { error_code, error_message } = refusal;
                Self::Changed {
                    error_code,
                    error_message,
                    resource_type,
                    resource_name,
                    ..Default::default()
                }
            }

            fn resource(changed: &Self::Changed) -> (i8, Str) {
                (changed.resource_type, changed.resource_name.clone())
            }
        }

        impl Api for $request {
            fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<$response>, Fault> {
                Ok(alter(&mut self.resources, |answer: &mut $response| &mut answer.responses, access))
            }
        }
    };
}

alters_configs!(
    AlterConfigsRequest,
    AlterConfigsResponse,
    alter_configs_request,
    alter_configs_response,
    loggers false,
    |config| config.value.is_none()
);

alters_configs!(
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
    incremental_alter_configs_request,
    incremental_alter_configs_response,
    loggers true,
    |config| config.value.is_none() && config.config_operation != DELETE
);

/// `AlterConfigOp.OpType.DELETE`
const DELETE: i8 = 1;
