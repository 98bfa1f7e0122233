//! Testing a mail server: the way that a mail would go, up to the point where it would be sent. Holds no connection to the
//! database meanwhile; bounded in time, in number and by a limit on how often.

use std::sync::Arc;
use std::time::Duration;

use mime::header;
use smtp::connection_test::{ConnectionTest, test_connection};
use smtp::egress_policy::EgressPolicy;
use smtp::failure::{Failure, FailureClass};
use smtp::reply::Stage;
use smtp::server::Server;
use smtp::timeouts::Timeouts;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::advice::{Advice, TestResult, TestStage, advice_on, stage_of};
use super::credentials::CredentialResolver;
use super::model::SmtpServerRow;
use crate::web::limits::Rule;

/// By one user.
pub const TESTS: Rule = Rule {
    name: "smtp-test",
    max: 10,
    window_s: 60,
};

/// All of it.
const LONGEST: Duration = Duration::from_secs(15);
/// One step, so that a silent server is told apart by where it fell silent.
const STEP: Duration = Duration::from_secs(10);
/// After this long without a greeting, the port is probed for implicit TLS.
const SILENCE: Duration = Duration::from_secs(1);
/// At the same time, of one process.
const AT_ONCE: usize = 16;

/// Tests mail servers. Cheap to clone; clones count together.
#[derive(Debug, Clone)]
pub struct ConnectionTester {
    resolver: CredentialResolver,
    free: Arc<Semaphore>,
}

impl ConnectionTester {
    /// Of servers reached in this way.
    pub fn new(resolver: CredentialResolver) -> Self {
        Self {
            resolver,
            free: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// What seals and opens.
    pub fn resolver(&self) -> &CredentialResolver {
        &self.resolver
    }

    /// Where servers may be.
    pub fn egress_policy(&self) -> &EgressPolicy {
        &self.resolver.outside.egress_policy
    }

    /// Tests the server; `None` when too many are being tested just now.
    pub async fn test(&self, row: &SmtpServerRow) -> Option<TestResult> {
        let _permit = self.free.try_acquire().ok()?;
        let (began, port) = (Instant::now(), u16::try_from(row.port).unwrap_or_default());
        let trial = if self.egress_policy().allows_port(port) {
            let went = timeout(LONGEST, self.try_out(row)).await;
            went.unwrap_or_else(|_elapsed| {
                let why = "it took more than 15 seconds";
                ConnectionTest::failed(Failure::new(Stage::Greeting, FailureClass::Timeout, why))
            })
        } else {
            ConnectionTest::failed(Failure::new(
                Stage::Connect,
                FailureClass::NotAllowed,
                "port",
            ))
        };
        let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut result = told(trial, duration_ms);
        if !result.ok && !self.egress_policy().allows_port(port) {
            result.advice = Advice::PortNotAllowed;
        }
        Some(result)
    }

    async fn try_out(&self, row: &SmtpServerRow) -> ConnectionTest {
        let (server, from) = match self.prepared(row) {
            Ok(prepared) => prepared,
            Err(failure) => return ConnectionTest::failed(failure),
        };
        let timeouts = Timeouts {
            connect: STEP,
            silence: SILENCE,
            tls: STEP,
            command: STEP,
            quit: Duration::from_millis(500),
            ..Timeouts::default()
        };
        test_connection(&server, &timeouts, &from).await
    }

    fn prepared(&self, row: &SmtpServerRow) -> Result<(Server, String), Failure> {
        let server = self.resolver.server(row)?;
        self.resolver.sender(row)?;
        let from = header::address(&row.from_email)
            .map_err(|error| Failure::new(Stage::Mail, FailureClass::Unsendable, error))?;
        Ok((server, from))
    }
}

/// The outcome as it is told. What happened on the way is not told in the words of this machine: they say more of its
/// networks than a stranger is to know.
fn told(trial: ConnectionTest, duration_ms: u64) -> TestResult {
    let (stage, advice, reply) = match trial.reply {
        Ok(reply) => (TestStage::Done, Advice::Works, Some(reply)),
        Err(failure) => (stage_of(&failure), advice_on(&failure), failure.reply),
    };
    TestResult {
        ok: stage == TestStage::Done,
        stage,
        code: reply.as_ref().map(|reply| reply.code),
        response: reply.map(|reply| reply.text),
        advice,
        ehlo_name: trial.ehlo_name,
        duration_ms,
    }
}
