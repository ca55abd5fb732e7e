//! A port that is taken: by whom, as far as that can be asked, and the way out.

use std::io;

use counter::BindError;

use crate::{
    asked::{ANSWER_WITHIN, process_of_holder},
    banner,
    config::Place,
};

/// Why a counter can't have its address. Whoever has it is asked: it may be this line, which runs already, or another.
pub(crate) async fn refused(error: &BindError, log: &Place) -> String {
    let Some(process) = process(error).await else { return error.to_string() };
    let holder = match log {
        Place::Local(dir) => process_of_holder(dir),
        Place::Kafka(_) => None,
    };
    let (at, url) = (error.address.to_string(), banner::url(error.address));
    if holder == Some(process) {
        return format!(
            "can't listen on {at}: the line with this log runs there already, process {process}; use it at {url}, or stop \
             it first"
        );
    }
    let ip = at.rsplit_once(':').map_or(&*at, |(ip, _)| ip);
    format!(
        "can't listen on {at}: another brewline listens there, process {process}; use it at {url}, or stop it, or choose \
         another port with --listen {ip}:PORT"
    )
}

/// The brewline that has the port.
async fn process(error: &BindError) -> Option<u32> {
    if error.error.kind() != io::ErrorKind::AddrInUse {
        return None;
    }
    client::process(banner::url(error.address).parse().ok()?, ANSWER_WITHIN).await
}
