//! Who is to be woken when something changes: connections that wait for nothing but their peers would not see it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

/// The tasks that are to be woken, each of them once for as long as it lives.
#[derive(Debug, Clone, Default)]
pub struct Wakers(Arc<Mutex<Tasks>>);

#[derive(Debug, Default)]
struct Tasks {
    by_number: HashMap<u64, (Waker, Arc<AtomicBool>)>,
    next: u64,
}

impl Wakers {
    /// From now on the task is woken by [`Wakers::wake`] while it says that it has to be, until what is returned is dropped.
    pub fn add(&self, waker: &Waker) -> Woken {
        let is_concerned = Arc::new(AtomicBool::new(false));
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.next += 1;
        let number = tasks.next;
        tasks.by_number.insert(number, (waker.clone(), is_concerned.clone()));
        drop(tasks);
        Woken { wakers: self.clone(), number, waker: waker.clone(), is_concerned }
    }

    /// Wakes those whom it concerns. What has changed must be there to be seen.
    pub fn wake(&self) {
        // With the one in `set_concerned`: either it is seen here that the task is concerned, or the task sees the change.
        fence(Ordering::SeqCst);
        let tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let concerned = tasks.by_number.values().filter(|(_, concerned)| concerned.load(Ordering::Relaxed));
        let concerned: Vec<Waker> = concerned.map(|(waker, _)| waker.clone()).collect();
        // Outside the lock: whoever is woken may end.
        drop(tasks);
        concerned.into_iter().for_each(Waker::wake);
    }
}

/// A task that can be woken.
#[derive(Debug)]
pub struct Woken {
    wakers: Wakers,
    number: u64,
    waker: Waker,
    is_concerned: Arc<AtomicBool>,
}

impl Woken {
    /// Whether it is the task of this waker.
    pub fn is(&self, waker: &Waker) -> bool {
        self.waker.will_wake(waker)
    }

    /// Says whether the task is to be woken. Whether that is new: then it has to look itself, after this, for what may have
    /// changed before.
    pub fn set_concerned(&self, is_concerned: bool) -> bool {
        if self.is_concerned.load(Ordering::Relaxed) == is_concerned {
            return false;
        }
        self.is_concerned.store(is_concerned, Ordering::Relaxed);
        if is_concerned {
            fence(Ordering::SeqCst);
        }
        is_concerned
    }
}

impl Drop for Woken {
    fn drop(&mut self) {
        let mut tasks = self.wakers.0.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = tasks.by_number.remove(&self.number);
        drop(tasks);
        drop(gone);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_task_is_woken_while_it_lives() {
        let (wakers, count) = (Wakers::default(), Arc::new(Count::default()));
        let waker = Waker::from(count.clone());
        let (one, two) = (wakers.add(&waker), wakers.add(&Waker::from(count.clone())));
        assert!(one.is(&waker));
        wakers.wake();
        assert_eq!(count.0.load(Ordering::SeqCst), 0, "it concerns nobody");
        assert!(one.set_concerned(true) && two.set_concerned(true) && !two.set_concerned(true));
        wakers.wake();
        assert_eq!(count.0.load(Ordering::SeqCst), 2);
        drop(one);
        wakers.wake();
        assert_eq!(count.0.load(Ordering::SeqCst), 3);
        assert!(!two.set_concerned(false));
        wakers.wake();
        drop(two);
        assert_eq!(count.0.load(Ordering::SeqCst), 3);
        drop(waker);
        assert_eq!(Arc::strong_count(&count), 1);
    }
}
