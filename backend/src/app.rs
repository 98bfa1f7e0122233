//! The composition root: builds the services from the settings, and from them the HTTP server and the engine.

use std::io;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{Data, PathConfig, ServiceConfig};
use actix_web::{App, HttpServer, web};
use tracing_actix_web::TracingLogger;
use utoipa::openapi::OpenApi;
use utoipa_actix_web::{AppExt, scope, service_config};
use utoipa_swagger_ui::SwaggerUi;

use crate::accounts::admission::rate_limits::RateLimits;
use crate::accounts::auth::authenticator::Authenticator;
use crate::accounts::auth::cookie::RefreshCookie;
use crate::accounts::auth::password::Passwords;
use crate::accounts::callers::resolver::Callers;
use crate::accounts::tokens::access_token::AccessTokens;
use crate::accounts::tokens::api_secret::ApiSecrets;
use crate::accounts::tokens::signed_token::TokenSigner;
use crate::accounts::{api_tokens, audit_log, auth, avatars, invitations, quotas, sessions, users};
use crate::audience::{recipients, suppressions};
use crate::config::Config;
use crate::content::{images, messages};
use crate::core::cache::Cache;
use crate::core::cache::settings::CacheKind;
use crate::core::clock::Clock;
use crate::core::compute::{Bounds, Compute};
use crate::core::db::Db;
use crate::core::redis::Redis;
use crate::delivery::mailings::live_updates::hub::LiveUpdates;
use crate::delivery::smtp_servers::connection_test::ConnectionTester;
use crate::delivery::smtp_servers::credentials::CredentialResolver;
use crate::delivery::web_view::readers::Readers;
use crate::delivery::{attempts, mailings, runs, smtp_servers, stats, unsubscribe, web_view};
use crate::engine::lifecycle::{Engine, EngineParts};
use crate::engine::maintenance::Maintenance;
use crate::engine::sender::Sender;
use crate::engine::sender_settings::SenderSettings;
use crate::engine::transactional_mail_worker::{
    TransactionalMailSettings, TransactionalMailWorker,
};
use crate::site::articles::blog::Blog;
use crate::site::{articles, home};
use crate::web::client::TrustedProxies;
use crate::web::downloads::Downloads;
use crate::web::limits::{Limits, requests};
use crate::web::openapi::{self, KnownPaths};
use crate::web::pictures::PictureRenderer;
use crate::web::problems::problems;
use crate::web::request_metrics::measure;
use crate::web::site::{self, PublicUrl};
use crate::web::span::RequestSpan;
use crate::web::{cached, etag, fallback, head, headers, idempotency_keys, readiness};

/// Services shared by handlers, engine and commands.
#[derive(Clone)]
pub struct Services {
    pub config: Config,
    pub db: Db,
    pub clock: Clock,
    pub tokens: AccessTokens,
    pub callers: Callers,
    pub passwords: Passwords,
    pub limits: Limits,
    pub downloads: Downloads,
    pub live_updates: LiveUpdates,
    pub blog: Blog,
    pub cache: Cache,
    pub redis: Option<Arc<Redis>>,
    pub connection_tester: ConnectionTester,
    pub compute: Compute,
    pub renderer: PictureRenderer,
    pub readers: Readers,
}

impl Services {
    /// Creates the services; opens no connections yet.
    pub fn new(config: Config, clock: Clock) -> Self {
        let db = Db::new(&config.database.url, config.database.pool_size);
        let tokens = AccessTokens::new(&config.secrets.jwt);
        let callers = Callers::new(tokens.clone(), ApiSecrets::new(&config.secrets.api_tokens));
        let passwords = Passwords::new(config.secrets.pepper, config.auth.password_cost);
        let live_updates = LiveUpdates::new(db.clone(), config.live_updates);
        let redis = config.redis.clone();
        let redis = redis.map(|redis| Arc::new(Redis::new(redis, config.installation())));
        let limits = Limits::new(redis.clone(), config.auth.limits, clock.clone());
        let cache = match config.cache {
            CacheKind::Redis => Cache::new(redis.clone()),
            CacheKind::Memory => Cache::new(None),
            CacheKind::Off => Cache::off(),
        };
        let blog = Blog::new(db.clone(), cache.clone());
        let connection_tester = ConnectionTester::new(credential_resolver(&config));
        let readers = Readers::new(
            &config.secrets.message_id,
            limits.clone(),
            PublicUrl(config.http.public_url.clone()),
            &config.mail.from,
        );
        Self {
            config,
            db,
            clock,
            tokens,
            callers,
            passwords,
            limits,
            downloads: Downloads::default(),
            live_updates,
            blog,
            cache,
            redis,
            connection_tester,
            compute: Compute::new("compute", Bounds::of_this_machine()),
            renderer: PictureRenderer::default(),
            readers,
        }
    }

    /// Binds the HTTP server, which runs when awaited. `workers` is the number of its threads.
    pub fn server(self, workers: usize) -> io::Result<(Server, std::net::SocketAddr)> {
        let (bind, deadlines) = (self.config.http.bind, self.config.http.deadlines);
        let document = document();
        let server = HttpServer::new(move || {
            let services = self.clone();
            let document = document.clone();
            App::new()
                .wrap(from_fn(etag::tag_reads))
                .wrap(from_fn(cached::invalidate_after_writes))
                .wrap(Compress::default())
                .wrap(from_fn(requests::by_address))
                .wrap(from_fn(problems))
                .wrap(headers::cors(&services.config.http.cors_origins))
                .wrap(headers::security(&services.config.http.public_url))
                .wrap(from_fn(head::as_get))
                .wrap(from_fn(measure))
                .wrap(TracingLogger::<RequestSpan>::new())
                .configure(move |config| services.configure(config, &document))
        });
        // Two blocking threads per worker: with actix's default of 512, contention in the database raises p99 tenfold.
        let server = server
            .workers(workers)
            .worker_max_blocking_threads(2)
            // Otherwise a response in two segments waits 40 ms for the acknowledgement of the first.
            .tcp_nodelay(true)
            .client_request_timeout(deadlines.head)
            .shutdown_timeout(10)
            .disable_signals()
            .bind(bind)?;
        let address = server.addrs().first().copied().unwrap_or(bind);
        Ok((server.run(), address))
    }

    /// The sender of this installation's mailings; it does nothing before it is run.
    pub fn sender(&self) -> Sender {
        Sender::new(SenderSettings {
            database_url: self.config.database.url.clone(),
            clock: self.clock.clone(),
            mail: self.config.mail.clone(),
            engine: self.config.engine.clone(),
            message_id_key: self.config.secrets.message_id,
            resolver: credential_resolver(&self.config),
            journal: self.config.journal(),
            public_url: self.config.http.public_url.clone(),
        })
    }

    /// The worker that sends transactional mails; it does nothing before it is run.
    pub fn transactional_mail_worker(&self) -> TransactionalMailWorker {
        let settings = TransactionalMailSettings {
            mail: self.config.mail.clone(),
            public_url: self.config.http.public_url.clone(),
            message_id_key: self.config.secrets.message_id,
            mailed_token_key: self.config.secrets.mailed_tokens,
            poll_interval: self.config.engine.poll_interval,
        };
        TransactionalMailWorker::new(settings, self.db.clone(), self.clock.clone())
    }

    /// Starts the delivery engine. Must be called in an actix system.
    pub fn engine(&self) -> io::Result<Engine> {
        Engine::start(EngineParts {
            db: self.db.clone(),
            clock: self.clock.clone(),
            quotas: self.config.quotas,
            sender: self.sender(),
            transactional_mails: self.transactional_mail_worker(),
            maintenance: self.maintenance(),
        })
    }

    /// Deletes expired rows; does nothing before it is run.
    pub fn maintenance(&self) -> Maintenance {
        let retention = self.config.audit_log_retention;
        Maintenance::new(self.db.clone(), self.clock.clone(), retention)
            .with(idempotency_keys::purge::purge)
    }

    fn authenticator(&self) -> Authenticator {
        Authenticator {
            passwords: self.passwords.clone(),
            tokens: self.tokens.clone(),
            cookie: RefreshCookie::for_site(
                &self.config.http.public_url,
                &self.config.secrets.refresh_tokens,
            ),
            mailed_tokens: TokenSigner::new(&self.config.secrets.mailed_tokens),
        }
    }

    fn configure(&self, config: &mut ServiceConfig, document: &OpenApi) {
        config
            .app_data(Data::new(self.db.clone()))
            .app_data(Data::new(self.clock.clone()))
            .app_data(Data::new(self.tokens.clone()))
            .app_data(Data::new(self.callers.clone()))
            .app_data(Data::new(self.authenticator()))
            .app_data(Data::new(RateLimits::new(self.limits.clone())))
            .app_data(Data::new(self.config.auth.sign_up.clone()))
            .app_data(Data::new(ApiSecrets::new(&self.config.secrets.api_tokens)))
            .app_data(Data::new(self.readers.clone()))
            .app_data(Data::new(PublicUrl(self.config.http.public_url.clone())))
            .app_data(Data::new(self.limits.clone()))
            .app_data(Data::new(self.connection_tester.clone()))
            .app_data(Data::new(self.compute.clone()))
            .app_data(Data::new(self.renderer.clone()))
            .app_data(Data::new(self.config.quotas))
            .app_data(Data::new(self.downloads.clone()))
            .app_data(Data::new(self.live_updates.clone()))
            .app_data(Data::new(self.blog.clone()))
            .app_data(Data::new(self.cache.clone()))
            .app_data(Data::new(self.config.http.deadlines))
            .app_data(Data::new(TrustedProxies(self.config.http.trusted_proxies)))
            .app_data(Data::new(KnownPaths::of(document)))
            .app_data(PathConfig::default().error_handler(|_, req| fallback::no_such_id(req)))
            .service(readiness::alive)
            .service(readiness::ready)
            .service(SwaggerUi::new("/api/docs/{_:.*}").url("/api/openapi.json", document.clone()))
            .service(web::redirect("/api/docs", "/api/docs/"))
            .configure(|config| {
                service_config::ServiceConfig::new(config).service(
                    scope("/api/v1")
                        .configure(routes)
                        .default_service(web::to(fallback::no_such_operation)),
                );
            })
            .service(web::scope("/api").default_service(web::to(fallback::no_such_operation)));
        if let Some(dir) = self.config.http.frontend_dir.clone() {
            config.configure(|config| site::serve(config, dir));
        }
    }
}

fn credential_resolver(config: &Config) -> CredentialResolver {
    CredentialResolver::new(config.secrets.sealing, config.mail.outside.clone())
}

/// All routes of the API; the OpenAPI document is generated from them.
fn routes(config: &mut service_config::ServiceConfig<'_>) {
    config.configure(auth::api::routes);
    config.configure(sessions::api::routes);
    config.configure(invitations::api::routes);
    config.configure(users::api::routes);
    config.configure(quotas::api::routes);
    config.configure(api_tokens::api::routes);
    config.configure(avatars::api::routes);
    config.configure(recipients::api::routes);
    config.configure(messages::api::routes);
    config.configure(mailings::api::routes);
    config.configure(runs::api::routes);
    config.configure(unsubscribe::api::routes);
    config.configure(attempts::api::routes);
    config.configure(stats::api::routes);
    config.configure(smtp_servers::api::routes);
    config.configure(suppressions::api::routes);
    config.configure(web_view::api::routes);
    config.configure(audit_log::api::routes);
    config.configure(articles::api::routes);
    config.configure(images::api::routes);
    config.configure(home::api::routes);
}

/// The OpenAPI document of the whole API.
pub fn document() -> OpenApi {
    let (_, document) = App::new()
        .into_utoipa_app()
        .openapi(openapi::base())
        .service(scope("/api/v1").configure(routes))
        .split_for_parts();
    openapi::complete(document)
}
