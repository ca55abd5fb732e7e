//! Routes that know their paths, so that a test can tell whether each is described.

use std::sync::Arc;

use axum::{Router, routing::MethodRouter};

use crate::app::App;

/// Routes, and which paths they are of.
#[derive(Default)]
pub(super) struct Routes {
    router: Router<Arc<App>>,
    #[cfg(feature = "schema")]
    paths: Vec<&'static str>,
}

impl Routes {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn route(self, path: &'static str, methods: MethodRouter<Arc<App>>) -> Self {
        Self {
            router: self.router.route(path, methods),
            #[cfg(feature = "schema")]
            paths: [self.paths, vec![path]].concat(),
        }
    }

    pub(super) fn merge(self, others: Self) -> Self {
        Self {
            router: self.router.merge(others.router),
            #[cfg(feature = "schema")]
            paths: [self.paths, others.paths].concat(),
        }
    }

    pub(super) fn into_router(self) -> Router<Arc<App>> {
        self.router
    }

    /// Their paths, as the router has them.
    #[cfg(feature = "schema")]
    pub(super) fn paths(&self) -> &[&'static str] {
        &self.paths
    }
}
