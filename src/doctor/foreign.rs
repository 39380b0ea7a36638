//! What only C can answer: which version a shared library says it is, how much room a disk has, whether the clock is set.
//! Every unsafe block of the doctor is here.
#![allow(unsafe_code, reason = "shared libraries and the system's own calls have no safe wrapper among our crates")]

use std::{
    ffi::{CStr, CString, c_int, c_void},
    mem::{MaybeUninit, transmute},
    os::unix::ffi::OsStrExt,
    path::Path,
    ptr::NonNull,
};

/// A loaded library. It stays loaded: some of NVIDIA's do not survive being unloaded.
pub(super) struct SharedLibrary(NonNull<c_void>);

impl SharedLibrary {
    /// Loads it by path or by name; or says what the loader says, which names the file that is missing.
    pub(super) fn open(name: &Path) -> Result<Self, String> {
        let name = CString::new(name.as_os_str().as_bytes()).map_err(|_| "its name holds a zero byte".to_owned())?;
        // SAFETY: `name` is a C string that outlives the call; loading runs the library's own initialisers, which is what
        // using it would do too.
        let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_LAZY | libc::RTLD_LOCAL) };
        NonNull::new(handle).map(Self).ok_or_else(last_error)
    }

    /// Asks `int f(int *version)`, as CUDA's runtime and driver offer it.
    pub(super) fn number_by_reference(&self, function: &CStr) -> Option<i32> {
        let found = self.symbol(function)?;
        // SAFETY: the callers name functions of exactly this type, documented by NVIDIA.
        let function: unsafe extern "C" fn(*mut c_int) -> c_int = unsafe { transmute(found.as_ptr()) };
        let mut number = 0;
        // SAFETY: the pointer is to a live integer.
        let status = unsafe { function(&raw mut number) };
        (status == 0).then_some(number)
    }

    /// Asks `size_t f(void)` or `int f(void)`, as cuDNN and TensorRT offer it; versions fit both.
    pub(super) fn number(&self, function: &CStr) -> Option<i32> {
        let found = self.symbol(function)?;
        // SAFETY: the callers name functions of this type; the lower half of a `size_t` is where an `int` is returned too.
        let function: unsafe extern "C" fn() -> c_int = unsafe { transmute(found.as_ptr()) };
        // SAFETY: it takes nothing and touches nothing of ours.
        Some(unsafe { function() })
    }

    /// Asks ONNX Runtime for its version, by the two functions whose place never changes.
    #[cfg(feature = "ort")]
    pub(super) fn onnxruntime_version(&self) -> Option<String> {
        #[repr(C)]
        struct ApiBase {
            api: Option<unsafe extern "C" fn(u32) -> *const c_void>,
            version: Option<unsafe extern "C" fn() -> *const std::ffi::c_char>,
        }
        let found = self.symbol(c"OrtGetApiBase")?;
        // SAFETY: every ONNX Runtime since 1.0 exports it with this type.
        let base: unsafe extern "C" fn() -> *const ApiBase = unsafe { transmute(found.as_ptr()) };
        // SAFETY: the answer is null or a table that lives as long as the library, which is never unloaded.
        let version = unsafe { base().as_ref() }?.version?;
        // SAFETY: it takes nothing.
        let text = unsafe { version() };
        // SAFETY: when not null it is a C string of the same life.
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
    }

    fn symbol(&self, name: &CStr) -> Option<NonNull<c_void>> {
        // SAFETY: the handle is live and the name a C string.
        NonNull::new(unsafe { libc::dlsym(self.0.as_ptr(), name.as_ptr()) })
    }
}

fn last_error() -> String {
    // SAFETY: dlerror answers null or a C string valid until the next call on this thread; it is copied at once.
    let text = unsafe { libc::dlerror() };
    if text.is_null() {
        return "the loader does not say why".to_owned();
    }
    // SAFETY: not null, see above.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Bytes an ordinary user may still write where this path is.
pub(super) fn free_room(path: &Path) -> Option<u64> {
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    let mut about = MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: a C string, and room for the answer.
    let status = unsafe { libc::statvfs(path.as_ptr(), about.as_mut_ptr()) };
    // SAFETY: plain numbers, zeroed above and filled in on success.
    let about = unsafe { about.assume_init() };
    (status == 0).then_some(about.f_bavail.saturating_mul(about.f_frsize))
}

/// Whether the kernel says that something keeps the clock right; `None` where it does not say.
pub(super) fn clock_is_kept() -> Option<bool> {
    let mut about = MaybeUninit::<libc::timex>::zeroed();
    // SAFETY: with `modes` zero nothing is set; the structure is plain numbers with room for the answer.
    let state = unsafe { libc::adjtimex(about.as_mut_ptr()) };
    // SAFETY: plain numbers, zeroed above.
    let about = unsafe { about.assume_init() };
    (state >= 0).then_some(state != libc::TIME_ERROR && about.status & libc::STA_UNSYNC == 0)
}
