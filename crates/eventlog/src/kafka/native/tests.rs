//! That OpenSSL outlives librdkafka's threads. What happens as the process ends has no safe way to be seen.

use std::{
    env,
    ffi::c_int,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
};

use super::*;
use crate::kafka::options::Options;

unsafe extern "C" {
    fn atexit(call: extern "C" fn()) -> c_int;
    fn _exit(code: c_int) -> !;
}

/// Is set for the process that ends.
const ENDS: &str = "EVENTLOG_TEST_ENDS";
/// How it ends: OpenSSL has stopped, or works to the end, or no client was made that speaks TLS.
const STOPPED: c_int = 70;
const WORKS: c_int = 71;
const UNTESTED: c_int = 72;
static IS_MADE: AtomicBool = AtomicBool::new(false);

#[test]
fn openssl_works_until_the_process_is_gone_for_threads_that_do_not_end_before() {
    extern "C" fn last() {
        // SAFETY: without settings it takes no pointer, and says 0 once OpenSSL has freed what it had.
        let works = unsafe { openssl_sys::OPENSSL_init_ssl(0, ptr::null()) == 1 };
        let ended = match IS_MADE.load(Ordering::Relaxed) {
            true if works => WORKS,
            true => STOPPED,
            // A test that fails ends in this way, too.
            false => UNTESTED,
        };
        // SAFETY: it may be called at any time.
        unsafe { _exit(ended) }
    }
    if env::var_os(ENDS).is_none() {
        let mut process = Command::new(env::current_exe().unwrap());
        let name = "kafka::native::tests::openssl_works_until_the_process_is_gone_for_threads_that_do_not_end_before";
        let ended = process.args([name, "--exact"]).env(ENDS, "yes").output().unwrap();
        assert_eq!(ended.status.code(), Some(WORKS), "{ended:?}");
        return;
    }
    // SAFETY: it may be called at any time. It was registered first, so it is called last.
    assert_eq!(unsafe { atexit(last) }, 0);
    let mut options = Options::new("127.0.0.1:9", &[]);
    options.property("security.protocol", "SSL").unwrap();
    options.probe().create::<BaseConsumer>().unwrap();
    IS_MADE.store(true, Ordering::Relaxed);
}
