//! Whether it lives, whether it can take orders, and how it does.

use super::{
    operation::{Operation, Who},
    schemas::Schemas,
};
use crate::{
    http::described::{Liveness, Readiness},
    problem::Code as C,
};

pub(super) const TAG: &str = "Machines";

pub(super) fn operations(schemas: &mut Schemas) -> Vec<Operation> {
    let ready = schemas.answer::<Readiness>();
    vec![
        Operation::new("GET /livez", TAG, "isLive", Who::Everyone, "Whether the process answers")
            .json_answer(200, "It does.", &schemas.answer::<Liveness<'_>>()),
        Operation::new("GET /readyz", TAG, "isReady", Who::Everyone, "Whether orders are taken and decided")
            .json_answer(200, "They are.", &ready)
            .json_answer(503, "They are not: what is missing, and since when.", &ready),
        Operation::new("GET /metrics", TAG, "showMetrics", Who::Everyone, "Metrics, for Prometheus")
            .file(200, "The metrics.", "application/openmetrics-text")
            .problems(&[C::Starting]),
    ]
}
