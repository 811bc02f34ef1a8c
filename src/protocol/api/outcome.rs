//! What a rule says becomes of a request, and of the broker's answer to it.
//!
//! The rule of an API speaks of its messages: a [`RuleOutcome`], and a [`Step`] once the broker has answered a
//! [`Question`] or a pattern was matched. `super::decide` makes bytes of that for the session: an [`Action`], with the
//! [`Answer`] that is to follow.

use bytes::Bytes;

use crate::model::acl::{Change, ChangeError, ChangeOutcome};
use crate::model::sasl::users::{UsersChange, UsersChangeError};
use crate::protocol::access::Access;
use crate::protocol::subscriptions::{Covered, Matching};
use crate::protocol::wire::{Fault, Message, Request};

/// What a rule decides on a request.
pub enum RuleOutcome<R> {
    /// All of it is allowed, and the broker's answer is the client's.
    Forward,
    /// It goes to the broker, and the answer is changed.
    Amend(Amend<R>),
    /// What must not reach the broker was taken out; the answer is changed.
    Trim(Amend<R>),
    /// The client has its answer, and the broker hears nothing.
    Answer(R),
    /// The broker is asked something of our own.
    Ask(Question<R>),
    /// The ACLs are to be changed, and the outcome is the answer.
    Change(Change, AfterChange<R>),
    /// The users are to be changed, and the outcome is the answer.
    ChangeUsers(UsersChange, AfterUsersChange<R>),
    /// A pattern is to be matched.
    Match(Matching, AfterMatch<Step<R>>),
    /// As `Forward`, for a request that has no answer.
    ForwardUnanswered,
    /// What must not reach the broker was taken out; there is no answer, and the connection closes.
    TrimUnanswered,
    /// How the answer is treated is the rule's own business, and so is the request if there is another.
    Raw(Option<Vec<u8>>, Answer),
    /// The connection is closed without an answer, as Kafka does.
    Close(&'static str),
}

/// Changes the broker's answer.
pub type Amend<R> = Box<dyn FnOnce(&mut R, &mut Access<'_>) + Send>;

/// A request of our own, and what its answer leads to.
pub struct Question<R> {
    pub(super) key: i16,
    pub(super) version: i16,
    pub(super) flexible: bool,
    pub(super) body: Vec<u8>,
    pub(super) then: Then<Step<R>>,
}

/// What the answer to a question leads to, or a pattern that was matched.
pub enum Step<R> {
    /// The client has its answer.
    Answer(R),
    /// One more question.
    Ask(Question<R>),
    /// A pattern is to be matched.
    Match(Matching, AfterMatch<Step<R>>),
    /// The client's request goes to the broker as it came, and the broker's answer is the client's.
    Forward,
    /// This body goes to the broker in the place of its own; the answer is changed.
    Trim(Vec<u8>, Amend<R>),
}

impl<R> Question<R> {
    /// Asks `request` in `version`; `then` gets the answer.
    pub fn new<Q>(
        request: &Q,
        version: i16,
        then: impl FnOnce(Q::Response, &mut Access<'_>) -> Step<R> + Send + 'static,
    ) -> Result<Self, Fault>
    where
        Q: Request,
    {
        let mut body = Vec::new();
        request.encode(version, &mut body)?;
        let then = move |answer: &Bytes, access: &mut Access<'_>| {
            Q::Response::decode(answer, version).map(|answer| then(answer, access))
        };
        Ok(Self { key: Q::KEY, version, flexible: version >= Q::FLEXIBLE, body, then: Box::new(then) })
    }
}

/// What is to be done with a request, in bytes.
pub enum Action {
    /// It goes to the broker as it came.
    Forward(Answer),
    /// This body goes to the broker in the place of its own.
    Replace(Vec<u8>, Answer),
    /// The broker is asked something of our own first. Nothing else of this client is looked at meanwhile.
    Ask(Ask),
    /// The ACLs are to be changed first. Nothing else of this client is looked at meanwhile.
    Change(AclChange),
    /// The users are to be changed first. Nothing else of this client is looked at meanwhile.
    ChangeUsers(UserChange),
    /// A pattern is to be matched first, which may take long. Nothing else of this client is looked at meanwhile.
    Match(PatternMatch),
    /// This is the answer's body; the broker hears nothing.
    Reply(Vec<u8>),
    /// The connection is closed without an answer, as Kafka does.
    Close(&'static str),
}

/// What is done with the broker's answer to a forwarded request.
pub enum Answer {
    /// The broker does not answer (Produce with acks=0).
    None {
        /// Kafka closes the connection when a part of such a request was refused.
        close: bool,
    },
    /// It passes as it comes and is never whole in memory.
    Untouched,
    /// It is taken whole and may be rewritten.
    Rewritten(Rewrite),
    /// It is taken whole when it is no longer than this many bytes, and watched while it passes when it is.
    Watched {
        /// The longest body that is taken whole.
        whole: usize,
        /// Who watches.
        watch: Box<dyn AnswerWatch>,
    },
}

/// Looks at the body of an answer; returns another body if the client shall have another.
pub type Rewrite = Box<dyn FnOnce(&[u8], &mut Access<'_>) -> Result<Option<Vec<u8>>, Fault> + Send>;

/// Looks at the body of an answer: at all of it, or at one piece after the other while it passes.
pub trait AnswerWatch: Send {
    /// The body was taken whole; returns another if the client shall have another.
    fn whole(self: Box<Self>, body: &[u8], access: &mut Access<'_>) -> Result<Option<Vec<u8>>, Fault>;

    /// The next piece of a body that passes, and how many bytes of the body come `after` it. Bytes may be changed in
    /// place. What begins at the place that is returned, up to the body's end, goes to [`AnswerWatch::end`] instead.
    fn piece(
        &mut self,
        piece: &mut [u8],
        after: usize,
        access: &mut Access<'_>,
    ) -> Result<Option<usize>, Fault>;

    /// The end of a body that passes, whole. Bytes may be changed in place.
    fn end(&mut self, end: &mut [u8], access: &mut Access<'_>) -> Result<(), Fault>;
}

/// A request of our own to the broker, on the client's connection to it.
pub struct Ask {
    /// The request's API.
    pub key: i16,
    /// The request's version.
    pub version: i16,
    /// Whether that version is flexible, which decides on the headers.
    pub flexible: bool,
    /// The request's body.
    pub body: Vec<u8>,
    /// What the answer's body leads to.
    pub then: Then<Action>,
}

/// What the body of an answer leads to.
pub type Then<T> = Box<dyn FnOnce(&Bytes, &mut Access<'_>) -> Result<T, Fault> + Send>;

/// A change of the ACLs, and what comes of it.
pub struct AclChange {
    /// What is to be changed.
    pub change: Change,
    /// What the outcome leads to.
    pub then: AfterChange<Result<Action, Fault>>,
}

/// What the outcome of a change leads to.
pub type AfterChange<T> = Box<dyn FnOnce(Result<ChangeOutcome, ChangeError>, &mut Access<'_>) -> T + Send>;

/// A change of the users, and what comes of it.
pub struct UserChange {
    /// What is to be changed.
    pub change: UsersChange,
    /// What the outcome leads to.
    pub then: AfterUsersChange<Result<Action, Fault>>,
}

/// What the outcome of a change of the users leads to.
pub type AfterUsersChange<T> = Box<dyn FnOnce(Result<(), UsersChangeError>, &mut Access<'_>) -> T + Send>;

/// A pattern to be matched, and what comes of it.
pub struct PatternMatch {
    /// What is to be matched.
    pub matching: Matching,
    /// What that leads to.
    pub then: AfterMatch<Result<Action, Fault>>,
}

/// What a pattern that was matched leads to. `None`: it could not be, for lack of memory.
pub type AfterMatch<T> = Box<dyn FnOnce(Option<Covered>, &mut Access<'_>) -> T + Send>;

/// What is to be done with a request that goes on while it arrives.
pub struct Passage {
    /// What becomes of the broker's answer.
    pub answer: Answer,
    /// Who looks at the rest. What had come of the body has been looked at.
    pub watch: Box<dyn RequestWatch>,
}

/// Looks at the rest of a request that goes on while it arrives.
pub trait RequestWatch: Send {
    /// The next piece of the body.
    ///
    /// # Errors
    /// Why the broker must not have all of it. Then it does not get this piece either, and the connection to it ends.
    fn piece(&mut self, piece: &[u8]) -> Result<(), &'static str>;
}
