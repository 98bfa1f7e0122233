//! Addresses of sites, as settings give them.

use url::Url;

/// An origin as browsers write it. There is no `*`: the API is opened to pages that somebody has thought of.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| ["http", "https"].contains(&url.scheme()))
        .map(|url| (url.origin().ascii_serialization(), url));
    match url {
        Some((origin, url)) if url.as_str().trim_end_matches('/') == origin => Ok(origin),
        _ => Err(format!(
            "CORS_ORIGINS: {text} is no origin such as https://app.example.org"
        )),
    }
}

/// Where the site is, as links to it begin: in ASCII, whatever the domain, because they stand in headers of mails, too.
pub(super) fn site(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    match () {
        () if !["http", "https"].contains(&url.scheme()) => {
            Err("it must begin with http:// or https://".to_owned())
        }
        () if url.query().is_some() || url.fragment().is_some() || url.as_str().len() > 500 => {
            Err("only the address of the site, such as https://dispatch.example.org".to_owned())
        }
        () => Ok(url.as_str().trim_end_matches('/').to_owned()),
    }
}
