//! Requests as clients might send them, and as nobody would: every API, in every version, with the names that there are.

use crate::never_through::dice::Dice;
use crate::never_through::records;
use crate::never_through::tree::{Choice, Node, make};
use crate::never_through::world::{World, one_in, one_of};
use crate::support::layouts::{Field, Layout};

/// What a client remembers of its sessions, to go on with them.
#[derive(Default, Clone)]
pub(crate) struct Remembered {
    /// Fetch sessions: id, next epoch, whether by id.
    pub(crate) fetch: Vec<(i64, i64, bool)>,
    /// The epoch of the next request of its share session, by group and member.
    pub(crate) share: Vec<(String, String, i64)>,
}

/// A random request.
pub(crate) fn request(
    layout: &'static Layout,
    version: i16,
    world: &World,
    remembered: &mut Remembered,
    random: &mut Dice,
) -> Node {
    let mut share_epochs = None;
    if layout.api.starts_with("Share") && layout.api != "ShareGroupHeartbeat" && !remembered.share.is_empty()
    {
        share_epochs = Some(random.below(remembered.share.len()));
    }
    let session = match layout.api {
        "Fetch" if !remembered.fetch.is_empty() && !one_in(random, 3) => {
            let at = random.below(remembered.fetch.len());
            let (id, epoch, by_id) = remembered.fetch[at];
            // What it would do; the broker may refuse it.
            remembered.fetch[at].1 += 1;
            (by_id == (version >= 13) || one_in(random, 9)).then_some((id, epoch))
        }
        _ => None,
    };
    let share = share_epochs.map(|at| {
        let one = remembered.share[at].clone();
        remembered.share[at].2 += 1;
        one
    });
    let kinds = random.below(3) as i64;
    let mut choose = |path: &str, field: &'static Field| {
        if let Some(node) = special(layout.api, path, world, session, share.as_ref(), kinds, random) {
            return Choice::Is(node);
        }
        usual(path, field, version, world, random)
    };
    let mut request = make(layout, version, &mut choose);
    if version >= layout.flexible && one_in(random, 25) {
        add_unknown_tag(&mut request, random);
    }
    request
}

/// The fields that decide what a request is.
fn special(
    api: &str,
    path: &str,
    world: &World,
    session: Option<(i64, i64)>,
    share: Option<&(String, String, i64)>,
    kind: i64,
    random: &mut Dice,
) -> Option<Node> {
    let text = |text: &str| Node::Text(text.to_owned());
    Some(match (api, path) {
        ("Fetch", "SessionId") => Node::Number(session.map_or(0, |(id, _)| id)),
        ("Fetch", "SessionEpoch") => match session {
            Some((_, epoch)) if !one_in(random, 12) => Node::Number(epoch),
            _ => Node::Number(*one_of(random, &[0, 0, 0, -1, 1])),
        },
        ("Fetch", "ReplicaId" | "ReplicaState.ReplicaId") => {
            Node::Number(if one_in(random, 5) { 1 } else { -1 })
        }
        ("Produce", "Acks") => Node::Number(*one_of(random, &[1, 1, -1, 1, 0])),
        ("Produce", "TopicData.PartitionData.Records") => {
            // Once in a while more than is judged by its head alone.
            let size = if one_in(random, 120) { 70_000 } else { 0 };
            Node::Bytes(records::some(random, size))
        }
        ("FindCoordinator", "KeyType") => Node::Number(if one_in(random, 20) { 7 } else { kind }),
        ("FindCoordinator", "Key" | "CoordinatorKeys[]") => Node::Text(match kind {
            1 => World::said(&world.transactional_ids, random),
            _ => World::said(&world.groups, random),
        }),
        (_, "Resources.ResourceType") => Node::Number(*one_of(random, &[2, 2, 2, 4, 8, 16, 32, 32, 3])),
        (_, "Resources.ResourceName") => match random.below(4) {
            0 => text("1"),
            1 => Node::Text(World::said(&world.groups, random)),
            _ => Node::Text(world.said_topic(random)),
        },
        (_, "Resources.Configs.ConfigOperation") => Node::Number(random.below(4) as i64),
        ("ShareFetch" | "ShareAcknowledge", "GroupId") => match share {
            Some((group, ..)) => Node::Text(group.clone()),
            None => Node::Text(World::said(&world.groups, random)),
        },
        ("ShareFetch" | "ShareAcknowledge", "MemberId") => match share {
            Some((_, member, _)) => Node::Text(member.clone()),
            None => Node::Text(MEMBER.to_owned()),
        },
        ("ShareFetch" | "ShareAcknowledge", "ShareSessionEpoch") => match share {
            Some((.., epoch)) if !one_in(random, 12) => Node::Number(*epoch),
            _ => Node::Number(*one_of(random, &[0, 0, -1])),
        },
        ("ShareFetch" | "ShareAcknowledge", _)
            if path.ends_with("AcknowledgementBatches") && one_in(random, 2) =>
        {
            Node::List(Vec::new())
        }
        (_, "MemberId") => text(one_of::<&str>(random, &[MEMBER, "member", ""])),
        (_, "MemberEpoch") => Node::Number(*one_of(random, &[0, 0, 1, 2, -1, -2])),
        (_, "SubscribedTopicRegex") => match random.below(3) {
            0 => Node::Null,
            _ => text(one_of::<&str>(random, &["zqxt.*", ".*", "zqxta.*", "zqxt[bc].*", "(", "", "nothing"])),
        },
        // Of ACLs: codes that are parsed, for the most part.
        (_, _) if api.ends_with("Acls") && !path.ends_with("s") => match path.rsplit(['.']).next() {
            Some("ResourceType" | "ResourceTypeFilter") => Node::Number(*one_of(random, &[2, 3, 4, 5, 1])),
            Some("ResourcePatternType" | "PatternTypeFilter") => Node::Number(*one_of(random, &[3, 4, 3])),
            Some("Operation") => Node::Number(2 + random.below(10) as i64),
            Some("PermissionType") => Node::Number(*one_of(random, &[2, 3, 3])),
            Some("Principal") => text(one_of::<&str>(random, &["User:alice", "User:bob", "User:*"])),
            Some("Host") => text("*"),
            Some("ResourceName") => Node::Text(world.said_topic(random)),
            _ => return None,
        },
        ("DescribeTopicPartitions", "ResponsePartitionLimit") => Node::Number(*one_of(random, &[1, 2, 2000])),
        _ => return None,
    })
}

/// The only member id that the newer group protocols take: an identifier.
const MEMBER: &str = "AAAAAAAAAAAAAAAAAAAAAQ";

fn usual(path: &str, field: &'static Field, version: i16, world: &World, random: &mut Dice) -> Choice {
    let nullable = field.null.as_ref().is_some_and(|null| null.contains(&version));
    let is_element = path.ends_with("[]");
    if !is_element && field.tag.is_some() && one_in(random, 3) {
        return Choice::Is(Node::Absent);
    }
    if nullable && !is_element && one_in(random, 5) {
        return Choice::Is(Node::Null);
    }
    if field.is_array && !is_element {
        return Choice::Some(*one_of(random, &[0, 1, 1, 1, 2, 2, 3]));
    }
    if field.is_struct() {
        return Choice::Some(1);
    }
    let node = match (field.kind, field.entity) {
        ("string", Some("topicName")) => Node::Text(world.said_topic(random)),
        ("string", Some("groupId")) => Node::Text(World::said(&world.groups, random)),
        ("string", Some("transactionalId")) => Node::Text(World::said(&world.transactional_ids, random)),
        ("string", _) => match random.below(6) {
            // Where nobody expects a name.
            0 => Node::Text(world.said_topic(random)),
            1 => Node::Text(World::said(&world.groups, random)),
            _ => Node::Text((*one_of(random, &["x", "consumer", "range", ""])).to_owned()),
        },
        ("uuid", _) if field.name.contains("TopicId") => Node::Uuid(world.said_id(random)),
        ("uuid", _) => Node::Uuid([1; 16]),
        ("bytes" | "records", _) => Node::Bytes(vec![0; random.below(20)]),
        ("float64", _) => Node::Float([0; 8]),
        ("bool", _) => Node::Number(random.below(2) as i64),
        _ => match random.below(6) {
            0 => Node::Number(-1),
            1..4 => Node::Number(random.below(3) as i64),
            _ => return Choice::Is(default(field)),
        },
    };
    Choice::Is(node)
}

fn default(field: &Field) -> Node {
    Node::Number(field.default.and_then(|word| word.parse().ok()).unwrap_or_default())
}

/// A tagged field that only a Kafka to come knows.
fn add_unknown_tag(node: &mut Node, random: &mut Dice) {
    match node {
        Node::List(elements) if !elements.is_empty() => {
            let at = random.below(elements.len());
            add_unknown_tag(&mut elements[at], random);
        }
        Node::Struct(inner) => {
            let at = random.below(inner.values.len().max(1));
            match inner.values.get_mut(at) {
                Some(part @ (Node::List(_) | Node::Struct(_))) if one_in(random, 2) => {
                    add_unknown_tag(part, random);
                }
                _ => inner.unknown.push((90, b"unread".to_vec())),
            }
        }
        _ => {}
    }
}
