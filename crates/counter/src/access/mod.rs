//! Who asks, and what they may do: a token of a program, else the session of a device that staff signed in, else whoever
//! knows an order's id. `docs/access.md` says what each may.
//!
//! | file | idea |
//! |---|---|
//! | `session` | the cookie of a signed-in device |
//! | `code` | codes that sign one in |
//! | `guesses` | how soon another code may be tried |
//! | `token` | tokens of programs |
//! | `register` | what is written of it: a device signed in and out, a code offered |
//! | `origin` | whether another site's page asks |
//!
//! What is so of devices, codes and tokens is in the log: `view/devices.rs`. Handlers take [`Anyone`], [`Staff`] or
//! [`Manager`] as an argument, and are not called for anyone else.

mod code;
mod guesses;
pub(crate) mod origin;
pub(crate) mod register;
pub(crate) mod session;
mod token;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderValue, Method, header, request::Parts};
use order::Role;

pub(crate) use self::{code::Code as SignInCode, guesses::Guesses, token::NewToken};
use crate::{
    app::App,
    problem::{Code, Problem},
    view::{DEVICE_PREFIX, StaffRole, TOKEN_PREFIX},
};

/// With this, staff's pages say that they ask as staff where customers' pages ask, too. Without it the cookie does not
/// count there: an order that a barista places on their own phone is a customer's.
const ASKS_AS: &str = "brewline-as";

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Whoever knows the order's id.
    Holder,
    Staff(StaffMember),
}

/// A member of the staff, or a program that works for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StaffMember {
    pub(crate) role: StaffRole,
    /// What the device or the program is called; `None`: it has the staff token, which is everyone's.
    pub(crate) device: Option<Arc<str>>,
    /// The id of the device, if it is one that was signed in.
    pub(crate) session: Option<Box<str>>,
    /// The id of its token, if it is a program with one of its own.
    pub(crate) token: Option<Box<str>>,
}

impl Caller {
    /// As whom they ask something of an order.
    pub(crate) fn role(&self) -> Role {
        match self {
            Self::Holder => Role::Holder,
            Self::Staff(_) => Role::Staff,
        }
    }

    /// On which device: a session's own name, which nobody else can take; else what a program says, or its own name.
    pub(crate) fn device(&self, said: Option<String>) -> Option<String> {
        match self {
            Self::Holder => said,
            Self::Staff(member) => member.device(said),
        }
    }
}

impl StaffMember {
    /// As [`Caller::device`].
    pub(crate) fn device(&self, said: Option<String>) -> Option<String> {
        let own = || self.device.as_deref().map(str::to_owned);
        if self.session.is_some() { own() } else { said.or_else(own) }
    }

    /// The key of its record in the log; `None`: it has the staff token.
    pub(crate) fn key(&self) -> Option<String> {
        let of = |prefix: &str, id: &Option<Box<str>>| id.as_deref().map(|id| format!("{prefix}{id}"));
        of(DEVICE_PREFIX, &self.session).or_else(|| of(TOKEN_PREFIX, &self.token))
    }

    fn manager(self) -> Result<Self, Problem> {
        if self.role == StaffRole::Manager { Ok(self) } else { Err(managers_only()) }
    }
}

/// What a request brings to say who sends it.
#[derive(Debug, Clone)]
pub(crate) enum Credential {
    None,
    Token(HeaderValue),
    Session(session::Cookies),
}

impl Credential {
    /// Of a request that anyone may make.
    pub(crate) fn of_anyone(method: &Method, headers: &HeaderMap) -> Result<Self, Problem> {
        let is_staff = match headers.get(ASKS_AS) {
            None => false,
            Some(role) if role == "staff" => true,
            Some(_) => {
                return Err(Problem::field("Brewline-As", "Brewline-As can only be staff, or be left out."));
            }
        };
        if is_staff || headers.contains_key(header::AUTHORIZATION) {
            return Self::of_staff(method, headers);
        }
        Ok(Self::None)
    }

    /// Of a request that only staff may make.
    pub(crate) fn of_staff(method: &Method, headers: &HeaderMap) -> Result<Self, Problem> {
        if let Some(token) = headers.get(header::AUTHORIZATION) {
            return Ok(Self::Token(token.clone()));
        }
        let cookies = session::Cookies::of(headers).ok_or_else(for_staff)?;
        origin::check_cookie(method, headers)?;
        Ok(Self::Session(cookies))
    }

    /// Who that is at the moment; one that is no longer good is refused, never ignored.
    pub(crate) fn caller(&self, app: &App) -> Result<Caller, Problem> {
        let look = || app.views.look().ok_or_else(Problem::starting);
        match self {
            Self::None => Ok(Caller::Holder),
            Self::Token(token) => {
                let owner = token::owner(token, look()?.shop());
                let wrong = || unauthorized("The token is not the staff's, or was taken back.");
                owner.map(Caller::Staff).ok_or_else(wrong)
            }
            Self::Session(cookies) => {
                let (look, secret) = (look()?, app.secret.get().ok_or_else(Problem::starting)?);
                let cookie = cookies.of_line(secret).ok_or_else(for_staff)?;
                let id = session::device(secret, cookie).ok_or_else(signed_out)?;
                let device = look.shop().devices().device(id, look.now).ok_or_else(signed_out)?;
                let (role, name) = (device.role, device.name.clone());
                let session = Some(id.into());
                Ok(Caller::Staff(StaffMember { role, device: Some(name), session, token: None }))
            }
        }
    }

    /// The same for a stream that is open: `None` while the counter starts, because a browser gives up on a stream that
    /// is refused.
    pub(crate) fn caller_once_known(&self, app: &App) -> Result<Option<Caller>, Problem> {
        match self.caller(app) {
            Ok(caller) => Ok(Some(caller)),
            Err(problem) if problem.code() == Code::Starting => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    pub(crate) fn member(&self, app: &App) -> Result<StaffMember, Problem> {
        match self.caller(app)? {
            Caller::Staff(member) => Ok(member),
            Caller::Holder => Err(for_staff()),
        }
    }
}

/// Whoever asks.
pub(crate) struct Anyone(pub(crate) Caller);

/// Staff alone.
pub(crate) struct Staff(pub(crate) StaffMember);

/// A manager alone.
pub(crate) struct Manager(pub(crate) StaffMember);

impl FromRequestParts<Arc<App>> for Anyone {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        Credential::of_anyone(&parts.method, &parts.headers)?.caller(app).map(Self)
    }
}

impl FromRequestParts<Arc<App>> for Staff {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        Credential::of_staff(&parts.method, &parts.headers)?.member(app).map(Self)
    }
}

impl FromRequestParts<Arc<App>> for Manager {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        Credential::of_staff(&parts.method, &parts.headers)?.member(app)?.manager().map(Self)
    }
}

/// What only a manager may do.
pub(crate) fn managers_only() -> Problem {
    Problem::new(Code::ManagersOnly, "This is for managers: sign in as one, or ask one to do it.")
}

/// The device is not signed in any more.
pub(crate) fn signed_out() -> Problem {
    let detail = "This device is signed out; sign in again with a code from one that is signed in.";
    Problem::new(Code::SignedOut, detail)
}

pub(crate) fn for_staff() -> Problem {
    unauthorized("This is for staff: sign in at /sign-in, or send \"Authorization: Bearer TOKEN\".")
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(Code::Unauthorized, detail)
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"brewline\""))
}
