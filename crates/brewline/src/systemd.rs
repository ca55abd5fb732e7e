//! What systemd is told of the line by a unit of `Type=notify`: that it takes orders, that it lives, that it stops. Started by
//! anything else (no `NOTIFY_SOCKET`), it tells nobody.

use counter::view::Views;
use tokio_util::sync::CancellationToken;

/// Tells systemd until `stop` that the process lives. What it returns is cancelled by whoever knows that it is ready.
///
/// It does not ask `/livez` over the network: a flood that keeps everybody out must not have the line started anew as well.
#[cfg(target_os = "linux")]
pub(crate) fn tell(views: Option<Views>, stop: CancellationToken) -> CancellationToken {
    let ready = CancellationToken::new();
    if std::env::var_os("NOTIFY_SOCKET").is_some() {
        tokio::spawn(linux::telling(views, ready.clone(), stop));
    }
    ready
}

/// Elsewhere there is no systemd.
#[cfg(not(target_os = "linux"))]
pub(crate) fn tell(_views: Option<Views>, _stop: CancellationToken) -> CancellationToken {
    CancellationToken::new()
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{io, time::Duration};

    use counter::view::Views;
    use sd_notify::NotifyState;
    use tokio::time::sleep;
    use tokio_util::sync::CancellationToken;

    /// Where the unit has no `WatchdogSec=`, its time for starting is prolonged by this.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// No unit that means it has a `WatchdogSec=` below three of these.
    const SOONEST: Duration = Duration::from_millis(100);

    pub(super) async fn telling(views: Option<Views>, ready: CancellationToken, stop: CancellationToken) {
        let patience = sd_notify::watchdog_enabled().unwrap_or(PATIENCE);
        // A message or two may come late on a machine that has much to do.
        let every = (patience / 3).max(SOONEST);
        let longer = NotifyState::ExtendTimeoutUsec(u32::try_from(patience.as_micros()).unwrap_or(u32::MAX));
        let (mut is_ready, mut is_heard) = (false, true);
        loop {
            // Every page and every order needs it: where it is locked for ever this waits as long, and nothing more is told.
            if let Some(views) = &views {
                views.counts();
            }
            // A log may take its time, and a cluster may not be there yet.
            let heard = say(if is_ready { NotifyState::Watchdog } else { longer.clone() }).await;
            if let Err(error) = &heard
                && is_heard
            {
                tracing::warn!(%error, "systemd can't be told how the line is, and may start it anew");
            }
            is_heard = heard.is_ok();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = ready.cancelled(), if !is_ready => {
                    is_ready = true;
                    let _ = say(NotifyState::Ready).await; // the next one, which is due, says if it is not heard
                }
                () = sleep(every) => {}
            }
        }
        let _ = say(NotifyState::Stopping).await; // it sees the end itself
    }

    /// Not on a thread of the runtime: systemd may be busy.
    async fn say(state: NotifyState<'static>) -> io::Result<()> {
        tokio::task::spawn_blocking(move || sd_notify::notify(&[state])).await?
    }
}
