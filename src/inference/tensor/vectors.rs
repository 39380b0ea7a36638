//! Whether the eight-at-a-time loops may be used on this CPU.

/// True on a CPU with AVX2 and FMA. The answer is cached by the standard library.
#[cfg(target_arch = "x86_64")]
pub(super) fn available() -> bool {
    #[cfg(test)]
    if OFF.get() {
        return false;
    }
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

#[cfg(test)]
thread_local!(static OFF: std::cell::Cell<bool> = const { std::cell::Cell::new(false) });

/// Runs something on this thread as on a CPU without vectors.
#[cfg(test)]
pub(super) fn without(run: impl FnOnce()) {
    OFF.set(true);
    run();
    OFF.set(false);
}
