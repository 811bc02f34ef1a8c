//! How often texts and identifiers are compared: the work that grows by the square where something is looked for in a list. It is
//! counted in debug builds alone, for the test that holds the work for a request against its length.

#[cfg(debug_assertions)]
std::thread_local! {
    static COMPARISONS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Two were compared.
#[inline]
pub(super) fn count() {
    #[cfg(debug_assertions)]
    COMPARISONS.set(COMPARISONS.get().wrapping_add(1));
}

/// How many comparisons this thread has made; none are counted in release builds.
pub fn comparisons() -> u64 {
    #[cfg(debug_assertions)]
    return COMPARISONS.get();
    #[cfg(not(debug_assertions))]
    0
}
