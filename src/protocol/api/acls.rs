//! The ACLs themselves. They are kept by doorkeeper: the broker, which has no authorizer, hears nothing of these requests.
//!
//! Kafka gives what it lists in the order of a hash table; here it comes in the order of the authorizer's scan.

use std::mem::take;
use std::sync::Arc;

use super::cluster::{DENIED, needs};
use super::versions::is_4_4;
use super::{Api, RuleOutcome};
use crate::model::acl::{
    Binding, BindingFilter, Change, ChangeError, ChangeOutcome, InvalidBinding, MAX_CHANGES, Operation,
    PatternFilter, PatternType, Permission, ResourceType,
};
use crate::protocol::access::{Access, Broker};
use crate::protocol::error_code::{INVALID_REQUEST, NONE, POLICY_VIOLATION, UNKNOWN_SERVER_ERROR};
use crate::protocol::messages::create_acls_request::AclCreation;
use crate::protocol::messages::create_acls_response::AclCreationResult;
use crate::protocol::messages::delete_acls_request::DeleteAclsFilter;
use crate::protocol::messages::delete_acls_response::{DeleteAclsFilterResult, DeleteAclsMatchingAcl};
use crate::protocol::messages::describe_acls_response::{AclDescription, DescribeAclsResource};
use crate::protocol::messages::{
    CreateAclsRequest, CreateAclsResponse, DeleteAclsRequest, DeleteAclsResponse, DescribeAclsRequest,
    DescribeAclsResponse,
};
use crate::protocol::wire::{Fault, Str};

/// UNKNOWN, in all four enumerations: Kafka fails to parse a request that has it.
const UNKNOWN: i8 = 0;
/// ANY, in all four, and MATCH of the pattern types: for filters alone.
const ANY: i8 = 1;
const MATCH: i8 = 2;

const UNPARSABLE: &str = "a request about ACLs has an element of the kind UNKNOWN";

/// `AclApis.handleDescribeAcls`
impl Api for DescribeAclsRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<DescribeAclsResponse>, Fault> {
        let filter = Filter {
            resource_type: self.resource_type_filter,
            resource_name: self.resource_name_filter.take(),
            pattern_type: self.pattern_type_filter,
            principal: self.principal_filter.take(),
            host: self.host_filter.take(),
            operation: self.operation,
            permission: self.permission_type,
        };
        if filter.is_unparsable() {
            return Ok(RuleOutcome::Close(UNPARSABLE));
        }
        if !access.allows_cluster(Operation::Describe) {
            return Ok(RuleOutcome::Answer(DescribeAclsResponse {
                error_code: DENIED,
                error_message: needs(Operation::Describe),
                ..Default::default()
            }));
        }
        // A code that nobody knows selects nothing.
        let resources = filter.meaning().map(|filter| described(access.view.bindings(), &filter));
        Ok(RuleOutcome::Answer(DescribeAclsResponse {
            resources: resources.unwrap_or_default(),
            ..Default::default()
        }))
    }
}

/// The bindings that the filter selects, by what they are on; those are neighbours in `bindings`.
fn described(bindings: &[Arc<Binding>], filter: &BindingFilter) -> Vec<DescribeAclsResource> {
    bindings
        .chunk_by(|a, b| pattern(a) == pattern(b))
        .filter_map(|bindings| {
            let selected = bindings.iter().filter(|binding| filter.selects(binding));
            let acls: Vec<_> = selected.map(|binding| description(binding)).collect();
            let resource = |first: &Binding| DescribeAclsResource {
                resource_type: first.resource_type.code(),
                resource_name: first.resource_name.as_str().into(),
                pattern_type: first.pattern_type.code(),
                acls,
                ..Default::default()
            };
            bindings.first().map(|first| resource(first)).filter(|resource| !resource.acls.is_empty())
        })
        .collect()
}

fn pattern(binding: &Binding) -> (ResourceType, PatternType, &str) {
    (binding.resource_type, binding.pattern_type, &binding.resource_name)
}

fn description(binding: &Binding) -> AclDescription {
    AclDescription {
        principal: binding.principal.as_str().into(),
        host: binding.host.as_str().into(),
        operation: binding.operation.code(),
        permission_type: binding.permission.code(),
        ..Default::default()
    }
}

/// `AclApis.handleCreateAcls` and `AclControlManager.createAcls`
impl Api for CreateAclsRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<CreateAclsResponse>, Fault> {
        let creations = take(&mut self.creations);
        let codes = |creation: &AclCreation| {
            [
                creation.resource_type,
                creation.resource_pattern_type,
                creation.operation,
                creation.permission_type,
            ]
        };
        if creations.iter().any(|creation| codes(creation).contains(&UNKNOWN)) {
            return Ok(RuleOutcome::Close(UNPARSABLE));
        }
        let all = |code, text: Option<Str>| {
            let results = vec![creation_result(code, text); creations.len()];
            Ok(RuleOutcome::Answer(CreateAclsResponse { results, ..Default::default() }))
        };
        if !access.allows_cluster(Operation::Alter) {
            return all(DENIED, needs(Operation::Alter));
        }
        // Kafka stumbles over these while it reads them, and over the whole request.
        let is_filter = |creation: &AclCreation| {
            codes(creation).contains(&ANY) || creation.resource_pattern_type == MATCH
        };
        if creations.iter().any(is_filter) {
            return all(UNKNOWN_SERVER_ERROR, None);
        }
        let mut valid = Vec::new();
        let mut results = Vec::with_capacity(creations.len());
        for creation in creations {
            match binding(creation, access.broker) {
                Ok(binding) => {
                    valid.push(binding);
                    results.push(Creation::Asked);
                }
                Err(refused) => results.push(refused),
            }
        }
        if valid.is_empty() {
            return Ok(RuleOutcome::Answer(created(results, Ok(ChangeOutcome::Created))));
        }
        Ok(RuleOutcome::Change(Change::Create(valid), Box::new(|outcome, _| created(results, outcome))))
    }
}

/// What has become of one binding that was to be created.
enum Creation {
    /// It is valid and part of the change.
    Asked,
    /// It was refused by its name, before all else.
    Misnamed(InvalidBinding),
    /// It was refused by the controller, which a change that fails as a whole makes forgotten.
    Refused(String),
}

/// In Kafka's order of checks; which of them a broker of this age makes is the broker's business.
fn binding(creation: AclCreation, broker: &Broker) -> Result<Binding, Creation> {
    let resource_type = ResourceType::from_code(creation.resource_type);
    InvalidBinding::by_name(resource_type, &creation.resource_name).map_err(Creation::Misnamed)?;
    let unknown = |what: &str| Creation::Refused(format!("Invalid {what} UNKNOWN"));
    let binding = Binding {
        resource_type: resource_type.ok_or_else(|| unknown("resourceType"))?,
        pattern_type: PatternType::from_code(creation.resource_pattern_type)
            .ok_or_else(|| unknown("patternType"))?,
        operation: Operation::from_code(creation.operation).ok_or_else(|| unknown("operation"))?,
        permission: Permission::from_code(creation.permission_type)
            .ok_or_else(|| unknown("permissionType"))?,
        resource_name: creation.resource_name.to_string(),
        principal: creation.principal.to_string(),
        host: creation.host.to_string(),
    };
    match binding.check() {
        // Before Kafka 4.4 every text was a host.
        Err(InvalidBinding::EmptyHost | InvalidBinding::Network { .. }) if !is_4_4(broker) => Ok(binding),
        Err(invalid) => Err(Creation::Refused(invalid.to_string())),
        Ok(()) => Ok(binding),
    }
}

fn created(creations: Vec<Creation>, outcome: Result<ChangeOutcome, ChangeError>) -> CreateAclsResponse {
    let failed = outcome.err().map(|unchanged| match unchanged {
        ChangeError::TooMany => (POLICY_VIOLATION, TOO_MANY_CREATED.into()),
        other => failure(&other),
    });
    let results = creations
        .into_iter()
        .map(|creation| match (creation, &failed) {
            (Creation::Misnamed(invalid), _) => {
                creation_result(INVALID_REQUEST, Some(invalid.to_string().into()))
            }
            (_, Some((code, text))) => creation_result(*code, Some(text.clone())),
            (Creation::Refused(text), None) => creation_result(INVALID_REQUEST, Some(text.into())),
            (Creation::Asked, None) => AclCreationResult::default(),
        })
        .collect();
    CreateAclsResponse { results, ..Default::default() }
}

fn creation_result(error_code: i16, error_message: Option<Str>) -> AclCreationResult {
    AclCreationResult { error_code, error_message, ..Default::default() }
}

/// `AclApis.handleDeleteAcls` and `AclControlManager.deleteAcls`
impl Api for DeleteAclsRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<DeleteAclsResponse>, Fault> {
        let filters: Vec<Filter> = take(&mut self.filters).into_iter().map(Filter::from).collect();
        if filters.iter().any(Filter::is_unparsable) {
            return Ok(RuleOutcome::Close(UNPARSABLE));
        }
        if !access.allows_cluster(Operation::Alter) {
            let refused = filter_result(DENIED, needs(Operation::Alter));
            let filter_results = vec![refused; filters.len()];
            return Ok(RuleOutcome::Answer(DeleteAclsResponse { filter_results, ..Default::default() }));
        }
        let mut asked = Vec::new();
        let mut unknown = Vec::with_capacity(filters.len());
        for filter in filters {
            match filter.meaning() {
                Ok(filter) => {
                    asked.push(filter);
                    unknown.push(None);
                }
                Err(text) => unknown.push(Some(text)),
            }
        }
        if asked.is_empty() {
            return Ok(RuleOutcome::Answer(deleted(unknown, Ok(ChangeOutcome::Deleted(Vec::new())))));
        }
        Ok(RuleOutcome::Change(Change::Delete(asked), Box::new(|outcome, _| deleted(unknown, outcome))))
    }
}

/// `unknown`: for each filter what of it was not understood; the others have their share in the outcome.
fn deleted(unknown: Vec<Option<&str>>, outcome: Result<ChangeOutcome, ChangeError>) -> DeleteAclsResponse {
    let (selected, failed) = match outcome {
        Ok(ChangeOutcome::Deleted(selected)) => (selected, None),
        Ok(ChangeOutcome::Created) => (Vec::new(), None),
        Err(ChangeError::TooMany) => (Vec::new(), Some((INVALID_REQUEST, too_many_deleted()))),
        Err(other) => (Vec::new(), Some(failure(&other))),
    };
    let mut selected = selected.into_iter();
    let filter_results = unknown
        .into_iter()
        .map(|unknown| match (unknown, &failed) {
            (Some(text), _) => filter_result(INVALID_REQUEST, Some(text.into())),
            (None, Some((code, text))) => filter_result(*code, Some(text.clone())),
            (None, None) => DeleteAclsFilterResult {
                matching_acls: selected
                    .next()
                    .unwrap_or_default()
                    .iter()
                    .map(|binding| matching(binding))
                    .collect(),
                ..filter_result(NONE, None)
            },
        })
        .collect();
    DeleteAclsResponse { filter_results, ..Default::default() }
}

fn filter_result(error_code: i16, error_message: Option<Str>) -> DeleteAclsFilterResult {
    DeleteAclsFilterResult { error_code, error_message, ..Default::default() }
}

fn matching(binding: &Binding) -> DeleteAclsMatchingAcl {
    DeleteAclsMatchingAcl {
        error_code: NONE,
        error_message: None,
        resource_type: binding.resource_type.code(),
        resource_name: binding.resource_name.as_str().into(),
        pattern_type: binding.pattern_type.code(),
        principal: binding.principal.as_str().into(),
        host: binding.host.as_str().into(),
        operation: binding.operation.code(),
        permission_type: binding.permission.code(),
        ..Default::default()
    }
}

/// The code and the text for a store that did not take the change. The codes are those that say least of what is not so:
/// nobody was denied anything, and the request was a right one.
fn failure(unchanged: &ChangeError) -> (i16, Str) {
    let code = match unchanged {
        ChangeError::ReadOnly(_) | ChangeError::TooMany | ChangeError::TooManyListed => POLICY_VIOLATION,
        ChangeError::Unavailable(_) => UNKNOWN_SERVER_ERROR,
    };
    (code, unchanged.to_string().into())
}

/// `BoundedListTooLongException` of the controller, as CreateAcls answers it.
const TOO_MANY_CREATED: &str = "Unable to perform excessively large batch operation.";

/// The same as DeleteAcls answers it.
fn too_many_deleted() -> Str {
    format!("Cannot remove more than {MAX_CHANGES} acls in a single delete operation.").into()
}

/// A filter with its codes as they were sent.
struct Filter {
    resource_type: i8,
    resource_name: Option<Str>,
    pattern_type: i8,
    principal: Option<Str>,
    host: Option<Str>,
    operation: i8,
    permission: i8,
}

impl Filter {
    fn is_unparsable(&self) -> bool {
        [self.resource_type, self.pattern_type, self.operation, self.permission].contains(&UNKNOWN)
    }

    /// What it selects, or Kafka's words for a code that nobody knows (`AclControlManager.validateFilter`).
    fn meaning(&self) -> Result<BindingFilter, &'static str> {
        const PATTERN: &str = "Unknown patternFilter.";
        const ENTRY: &str = "Unknown entryFilter.";
        let text = |text: &Option<Str>| text.as_ref().map(ToString::to_string);
        Ok(BindingFilter {
            resource_type: word(self.resource_type, ResourceType::from_code, PATTERN)?,
            resource_name: text(&self.resource_name),
            pattern: match self.pattern_type {
                ANY => PatternFilter::Any,
                MATCH => PatternFilter::Match,
                code => PatternFilter::Is(PatternType::from_code(code).ok_or(PATTERN)?),
            },
            principal: text(&self.principal),
            host: text(&self.host),
            operation: word(self.operation, Operation::from_code, ENTRY)?,
            permission: word(self.permission, Permission::from_code, ENTRY)?,
        })
    }
}

fn word<T>(code: i8, known: fn(i8) -> Option<T>, unknown: &'static str) -> Result<Option<T>, &'static str> {
    match code {
        ANY => Ok(None),
        code => known(code).map(Some).ok_or(unknown),
    }
}

impl From<DeleteAclsFilter> for Filter {
    fn from(filter: DeleteAclsFilter) -> Filter {
        Filter {
            resource_type: filter.resource_type_filter,
            resource_name: filter.resource_name_filter,
            pattern_type: filter.pattern_type_filter,
            principal: filter.principal_filter,
            host: filter.host_filter,
            operation: filter.operation,
            permission: filter.permission_type,
        }
    }
}
