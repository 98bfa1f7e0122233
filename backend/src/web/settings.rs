//! `BIND`, `METRICS_BIND`, `PUBLIC_URL`, `FRONTEND_DIR`, `TRUSTED_PROXIES`, `CORS_ORIGINS`: the HTTP server.

use std::net::SocketAddr;
use std::path::PathBuf;

use url::Url;

use crate::core::settings::reader::SettingsReader;
use crate::web::deadlines::Deadlines;

#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// `BIND`
    pub bind: SocketAddr,
    /// `METRICS_BIND`: address of the metrics of this process, if set.
    pub metrics_bind: Option<SocketAddr>,
    /// `PUBLIC_URL` in ASCII without a trailing slash: the prefix of links in mails.
    pub public_url: String,
    /// `FRONTEND_DIR`: the built web application, served with the API if set.
    pub frontend_dir: Option<PathBuf>,
    /// `TRUSTED_PROXIES`: number of trusted proxies that append to `X-Forwarded-For`.
    pub trusted_proxies: usize,
    /// `CORS_ORIGINS`: further origins whose pages may call the API.
    pub cors_origins: Vec<String>,
    /// Time-outs for receiving a request. Only tests change them.
    pub deadlines: Deadlines,
}

pub fn read(reader: &mut SettingsReader<'_>) -> Option<HttpSettings> {
    let bind = reader.parsed("BIND", SocketAddr::from(([127, 0, 0, 1], 8000)));
    let metrics_bind = metrics_bind(reader, bind);
    let trusted_proxies = reader.parsed("TRUSTED_PROXIES", 0);
    let public_url = public_url(reader, bind);
    let cors_origins = cors_origins(reader);
    let frontend_dir = frontend_dir(reader);
    Some(HttpSettings {
        bind: bind?,
        metrics_bind,
        public_url: public_url?,
        frontend_dir,
        trusted_proxies: trusted_proxies?,
        cors_origins,
        deadlines: Deadlines::default(),
    })
}

fn metrics_bind(reader: &mut SettingsReader<'_>, bind: Option<SocketAddr>) -> Option<SocketAddr> {
    let text = reader.text("METRICS_BIND")?;
    let address: Result<SocketAddr, _> = text.parse();
    let address = reader.check(address.map_err(|error| format!("METRICS_BIND={text}: {error}")));
    if address.is_some_and(|address| address.port() != 0 && Some(address) == bind) {
        reader.error("METRICS_BIND: the same as BIND; metrics need a port of their own");
    }
    address
}

fn public_url(reader: &mut SettingsReader<'_>, bind: Option<SocketAddr>) -> Option<String> {
    let url = reader
        .text("PUBLIC_URL")
        .or_else(|| bind.map(|bind| format!("http://{bind}")))?;
    // The URL is not repeated: it may contain a password.
    reader.check(site_url(&url).map_err(|error| format!("PUBLIC_URL: {error}")))
}

fn frontend_dir(reader: &mut SettingsReader<'_>) -> Option<PathBuf> {
    let dir = PathBuf::from(reader.text("FRONTEND_DIR")?);
    if !dir.join("index.html").is_file() {
        reader.error(format!(
            "FRONTEND_DIR={}: contains no index.html; build the frontend or leave it unset",
            dir.display()
        ));
    }
    Some(dir)
}

fn cors_origins(reader: &mut SettingsReader<'_>) -> Vec<String> {
    let text = reader.text("CORS_ORIGINS").unwrap_or_default();
    text.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .filter_map(|name| reader.check(origin(name)))
        .collect()
}

/// An origin as browsers send it. `*` is not accepted: origins must be listed.
fn origin(text: &str) -> Result<String, String> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| ["http", "https"].contains(&url.scheme()))
        .map(|url| (url.origin().ascii_serialization(), url));
    match url {
        Some((origin, url)) if url.as_str().trim_end_matches('/') == origin => Ok(origin),
        _ => Err(format!(
            "CORS_ORIGINS: {text} is not an origin such as https://app.example.org"
        )),
    }
}

/// The prefix of links to the site: in ASCII, because mail headers contain it.
fn site_url(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    match () {
        () if !["http", "https"].contains(&url.scheme()) => {
            Err("must begin with http:// or https://".to_owned())
        }
        () if !url.username().is_empty() || url.password().is_some() => {
            Err("must not contain a user or password".to_owned())
        }
        () if url.query().is_some() || url.fragment().is_some() || url.as_str().len() > 500 => {
            Err("must be the URL of the site only, such as https://dispatch.example.org".to_owned())
        }
        () => Ok(url.as_str().trim_end_matches('/').to_owned()),
    }
}
