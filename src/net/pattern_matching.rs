//! Where patterns are matched against topics: beside the threads that serve connections, since one may take long.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::budget::MemoryBudget;

/// How many are matched at a time, in the whole process.
const AT_A_TIME: usize = 2;

/// Matches patterns, a few at a time. Each principal has one among those that wait their turn at most, so that whoever has
/// many keeps others waiting for one of them only.
pub struct PatternMatching {
    turns: Arc<Semaphore>,
    of_principals: Mutex<HashMap<Arc<str>, Arc<Semaphore>>>,
}

impl Default for PatternMatching {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_A_TIME)), of_principals: Mutex::default() }
    }
}

impl PatternMatching {
    /// Waits for the principal's turn, and does the work, which takes so many bytes of the budget meanwhile; unless by
    /// then it is known what comes of it. Once begun it goes on, with its turn and its memory, whoever waits for it or not.
    /// `None`: there is no memory for it now.
    pub async fn run<T: Send + 'static>(
        &self,
        principal: &Arc<str>,
        (memory, bytes): (&MemoryBudget, usize),
        known: impl Fn() -> Option<T>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        // In this order, as one in a row of the principal's own takes nobody else's turn.
        let own = self.own_turn(principal).await?;
        let turn = self.turns.clone().acquire_owned().await.ok()?;
        if let Some(known) = known() {
            return Some(known);
        }
        let memory = memory.take(bytes).or_else(|| memory.take_reserve(bytes))?;
        let working = tokio::task::spawn_blocking(move || {
            let done = work();
            drop((memory, turn, own));
            done
        });
        working.await.ok()
    }

    async fn own_turn(&self, principal: &Arc<str>) -> Option<OwnedSemaphorePermit> {
        let own = {
            let mut waiting = self.of_principals.lock().unwrap_or_else(PoisonError::into_inner);
            // Those who have come to an end are remembered here only.
            waiting.retain(|_, turns| Arc::strong_count(turns) > 1);
            waiting.entry(principal.clone()).or_insert_with(|| Arc::new(Semaphore::new(1))).clone()
        };
        own.acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const BYTES: usize = 1024;

    /// Work that says that it has begun, and goes on when told to.
    fn work(
        name: &'static str,
    ) -> (impl FnOnce() -> &'static str + Send, mpsc::Receiver<()>, mpsc::Sender<()>) {
        let ((begin, begun), (go, going)) = (mpsc::channel(), mpsc::channel());
        let work = move || {
            begin.send(()).unwrap();
            let _: Result<(), _> = going.recv();
            name
        };
        (work, begun, go)
    }

    #[tokio::test]
    async fn few_work_at_a_time_and_one_of_each_principal() {
        let (matching, memory) = (Arc::new(PatternMatching::default()), MemoryBudget::new(4 * BYTES, 0));
        let spawn = |principal: &str, work| {
            let (matching, memory, principal) = (matching.clone(), memory.clone(), Arc::from(principal));
            tokio::spawn(async move { matching.run(&principal, (&memory, BYTES), || None, work).await })
        };
        let (first, first_begun, go_on) = work("first");
        let (second, second_begun, go_on_too) = work("second");
        let one = spawn("mallory", first);
        while memory.in_use() < BYTES {
            tokio::task::yield_now().await;
        }
        let two = spawn("mallory", second);
        // The other turn is not the second's: somebody else comes and goes meanwhile.
        let (others, _others_begun, go) = work("others");
        drop(go);
        assert_eq!(spawn("alice", others).await.unwrap(), Some("others"));
        first_begun.recv().unwrap();
        assert!(second_begun.try_recv().is_err());
        // Who has left does not end what has begun.
        one.abort();
        assert!(one.await.is_err());
        tokio::task::yield_now().await;
        assert!(second_begun.try_recv().is_err());
        assert_eq!(memory.in_use(), BYTES);
        drop((go_on, go_on_too));
        assert_eq!(two.await.unwrap(), Some("second"));
        assert_eq!(memory.in_use(), 0);
    }

    #[tokio::test]
    async fn what_is_known_by_then_is_not_worked_out_and_nothing_is_without_memory() {
        let (matching, memory) = (PatternMatching::default(), MemoryBudget::new(4 * BYTES, 0));
        let alice: Arc<str> = "alice".into();
        let known = matching.run(&alice, (&memory, BYTES), || Some(1), || panic!("it is known")).await;
        assert_eq!(known, Some(1));
        let all = (memory.take(4 * BYTES).unwrap(), memory.take_reserve(BYTES).unwrap());
        assert_eq!(matching.run(&alice, (&memory, BYTES), || None, || 2).await, None);
        drop(all);
        assert_eq!(matching.run(&alice, (&memory, BYTES), || None, || 2).await, Some(2));
        assert_eq!(matching.of_principals.lock().unwrap().len(), 1);
    }
}
