//! Mail servers that users bring, on this machine.

use dispatch::config::Config;
use serde_json::Value;

use super::app::TestApp;
use super::people::Person;
use super::smtp_server::ScriptedServer;

impl TestApp {
    /// An app that sends through the first of these, as fast as it can, and lets its users bring the others, whose
    /// certificates it trusts.
    pub(crate) fn letting_in(installation: &ScriptedServer, own: &[&ScriptedServer]) -> Self {
        Self::letting_in_tuned(installation, own, &[], |_| {})
    }

    /// The same with other settings.
    pub(crate) fn letting_in_tuned(
        installation: &ScriptedServer,
        own: &[&ScriptedServer],
        settings: &[(&str, &str)],
        tune: impl FnOnce(&mut Config),
    ) -> Self {
        let ports: Vec<String> = own.iter().map(|server| server.port().to_string()).collect();
        let ports = format!("9,25,{}", ports.join(","));
        let url = installation.url();
        let defaults = [
            ("SMTP_URL", url.as_str()),
            ("SMTP_RATE", "0"),
            ("OWN_SMTP_PORTS", ports.trim_end_matches(',')),
            ("OWN_SMTP_NETWORKS", "127.0.0.0/8, ::1"),
            ("POLL_INTERVAL_MS", "100"),
        ];
        Self::start_tuned(&[settings, &defaults].concat(), |config| {
            config.mail.outside.roots = own.iter().map(|server| server.certificate()).collect();
            tune(config);
        })
    }

    /// A person's own server, with other fields as given.
    pub(crate) fn own_server(
        &self,
        owner: &Person,
        server: &ScriptedServer,
        fields: &Value,
    ) -> i64 {
        let mut described = server.described();
        let with = described.as_object_mut().expect("an object");
        with.extend(fields.as_object().expect("an object").clone());
        self.post(owner, "/smtp-servers", &described).id()
    }
}
