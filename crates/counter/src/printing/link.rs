//! A connection to the printer.

use std::time::Duration;

use printer::{ASK, CONFIRM, Status, is_confirmation};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};

use super::{PrinterPatience, State};

/// What is read of a printer at once: it says one byte at a time.
const READ_BYTES: usize = 64;

/// What a printer says at most where it is asked for two bytes: more is no printer.
const SAID_MAX: usize = 1_024;

/// What this process has learnt of a printer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Habits {
    /// It says how it is when it is asked: if it does not, something is wrong with it.
    pub(super) says: bool,
    /// It does not confirm what it was sent, although it says how it is.
    pub(super) never_confirms: bool,
}

/// An open connection. A printer that others use too has no other one meanwhile, so it is not kept for long.
pub(super) struct Link {
    stream: TcpStream,
    patience: PrinterPatience,
}

/// What became of what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// As far as the printer tells, it is on paper.
    Printed,
    /// Nobody knows how much of it is.
    Unknown(State),
}

impl Link {
    pub(super) async fn open(address: &str, patience: &PrinterPatience) -> Result<Self, State> {
        match timeout(patience.connect, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // A sheet is one write: nothing is gained by waiting for more.
                let _ = stream.set_nodelay(true);
                Ok(Self { stream, patience: patience.clone() })
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, address, "the printer can't be reached");
                Err(State::Offline)
            }
            Err(_) => Err(State::Offline),
        }
    }

    /// How the printer is. One that never said so is taken to be well: there are printers that can't.
    pub(super) async fn status(&mut self, habits: &mut Habits) -> Result<(), State> {
        match self.ask().await {
            Some(Some(status)) => {
                habits.says = true;
                state(status)
            }
            Some(None) if !habits.says => Ok(()),
            Some(None) | None => Err(State::Offline),
        }
    }

    /// What it says of itself: `None`: the connection is gone; `Some(None)`: nothing.
    async fn ask(&mut self) -> Option<Option<Status>> {
        self.write(&ASK, self.patience.status).await.ok()?;
        let by_when = Instant::now() + self.patience.status;
        let mut said: Vec<u8> = Vec::new();
        loop {
            match timeout_at(by_when, self.read()).await {
                Err(_) => return Some(None),
                Ok(None) => return None,
                Ok(Some(bytes)) => said.extend(bytes),
            }
            if let Some(status) = Status::of(&said) {
                return Some(Some(status));
            }
            if said.len() > SAID_MAX {
                return Some(None);
            }
        }
    }

    /// Sends a sheet and finds out what became of it. `tell` hears how the printer is while it waits for somebody.
    pub(super) async fn print(
        mut self,
        sheet: &[u8],
        habits: &mut Habits,
        mut tell: impl FnMut(State),
    ) -> Sent {
        if self.write(sheet, self.patience.send).await.is_err() {
            return Sent::Unknown(State::Offline);
        }
        if habits.says && !habits.never_confirms {
            self.confirmed(habits, &mut tell).await
        } else {
            self.end().await
        }
    }

    /// Waits until the printer says that it has taken all of it, through as many rolls of paper as that takes.
    async fn confirmed(&mut self, habits: &mut Habits, tell: &mut impl FnMut(State)) -> Sent {
        if self.write(&CONFIRM, self.patience.send).await.is_err() {
            return Sent::Unknown(State::Offline);
        }
        loop {
            let by_when = Instant::now() + self.patience.confirm;
            loop {
                match timeout_at(by_when, self.read()).await {
                    Err(_) => break,
                    Ok(None) => return Sent::Unknown(State::Offline),
                    Ok(Some(bytes)) if bytes.iter().any(|byte| is_confirmation(*byte)) => {
                        return Sent::Printed;
                    }
                    Ok(Some(_)) => {}
                }
            }
            match self.ask().await {
                None | Some(None) => return Sent::Unknown(State::Offline),
                Some(Some(Status::Ok)) => {
                    // All is well with it and it says nothing: one of those that don't know the question.
                    habits.never_confirms = true;
                    return Sent::Printed;
                }
                Some(Some(status)) => tell(state(status).err().unwrap_or(State::Ok)),
            }
        }
    }

    /// Ends what was sent to a printer that says nothing. A connection that it breaks tells something all the same.
    async fn end(&mut self) -> Sent {
        if self.stream.shutdown().await.is_err() {
            return Sent::Unknown(State::Offline);
        }
        let mut bytes = [0; READ_BYTES];
        let by_when = Instant::now() + self.patience.status;
        loop {
            match timeout_at(by_when, self.stream.read(&mut bytes)).await {
                Err(_) | Ok(Ok(0)) => return Sent::Printed,
                Ok(Ok(_)) => {}
                Ok(Err(_)) => return Sent::Unknown(State::Offline),
            }
        }
    }

    async fn write(&mut self, bytes: &[u8], within: Duration) -> Result<(), ()> {
        match timeout(within, self.stream.write_all(bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(()),
        }
    }

    /// Some bytes; `None`: there are no more.
    async fn read(&mut self) -> Option<Vec<u8>> {
        let mut bytes = [0; READ_BYTES];
        match self.stream.read(&mut bytes).await {
            Ok(0) | Err(_) => None,
            Ok(read) => Some(bytes[..read].to_vec()),
        }
    }
}

fn state(status: Status) -> Result<(), State> {
    match status {
        Status::Ok => Ok(()),
        Status::NoPaper => Err(State::NoPaper),
        Status::CoverOpen => Err(State::CoverOpen),
        Status::Error => Err(State::Offline),
    }
}
