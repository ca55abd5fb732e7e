//! Properties of librdkafka among the variables.

use std::{collections::BTreeMap, ffi::OsString};

use crate::kafka::check_property;

/// Variables that begin with this name properties of librdkafka: `BREWLINE_KAFKA_SASL_PASSWORD` is
/// `sasl.password`, so that a secret need not stand in a command line.
const PROPERTY_VARIABLE: &str = "BREWLINE_KAFKA_";

/// What Kubernetes gives to every program beside a service that is called `brewline-kafka`: no properties.
const SERVICE_VARIABLES: [&str; 3] = ["SERVICE_", "PORT", "PORT_"];

/// The variable that names a property.
pub(crate) fn variable_of(property: &str) -> String {
    format!("{PROPERTY_VARIABLE}{}", property.to_uppercase().replace('.', "_"))
}

/// The properties among these variables. One that is empty is not set.
pub(crate) fn properties_of(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<BTreeMap<String, String>, String> {
    let mut properties = BTreeMap::new();
    for (name, value) in variables {
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(PROPERTY_VARIABLE)) else {
            continue;
        };
        let [service, port, ports] = SERVICE_VARIABLES;
        if rest.starts_with(service) || rest == port || rest.starts_with(ports) || value.is_empty() {
            continue;
        }
        let by = || format!("the environment variable {PROPERTY_VARIABLE}{rest}");
        let value =
            value.into_string().map_err(|_| format!("{} is not text (UTF-8); say it as text", by()))?;
        let property = rest.to_lowercase().replace('_', ".");
        check_property(&property, &value).map_err(|why| format!("{}: {why}", by()))?;
        properties.insert(property, value);
    }
    Ok(properties)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_names_a_property_and_those_of_a_service_do_not() {
        let variables = [
            ("BREWLINE_KAFKA_SASL_PASSWORD", "x=y"),
            ("BREWLINE_KAFKA_SSL_CA_LOCATION", ""),
            ("BREWLINE_KAFKA_PORT", "tcp://10.0.0.1:9092"),
            ("BREWLINE_KAFKA_PORT_9092_TCP_ADDR", "10.0.0.1"),
            ("BREWLINE_KAFKA_SERVICE_HOST", "10.0.0.1"),
            ("HOME", "/"),
        ];
        let all = properties_of(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        assert_eq!(all, Ok(BTreeMap::from([("sasl.password".to_owned(), "x=y".to_owned())])));
    }

    #[test]
    fn a_wrong_property_is_blamed_on_its_variable_without_its_value() {
        for (name, says) in [
            ("BREWLINE_KAFKA_SASL_PASSWORT", "there is no Kafka property sasl.passwort"),
            ("BREWLINE_KAFKA_SECURITY_PROTOCOL", "the Kafka property security.protocol can't have"),
            ("BREWLINE_KAFKA_ACKS", "the Kafka property acks is not yours to set"),
        ] {
            let error = properties_of([(name.into(), "geheim".into())].into_iter()).unwrap_err();
            assert!(error.starts_with(&format!("the environment variable {name}: {says}")), "{error}");
            assert!(!error.contains("geheim"), "{error}");
        }
    }
}
