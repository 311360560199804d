//! A person at the portal: signs in, opens pages, posts their forms, as a browser without script would.

use anyhow::{Result, anyhow};
use policies::tls::Roots;
use reqwest::{Certificate, Client, Response, StatusCode, redirect};

use super::Portal;

/// A signed-in person.
pub(super) struct Visitor {
    client: Client,
    base: String,
    user: &'static str,
}

impl Visitor {
    /// Signs in: with the password, then with the demo's authenticator.
    pub(super) async fn sign_in(portal: &Portal, user: &'static str, password: &str) -> Result<Self> {
        let roots = Roots::read(&portal.ca)?;
        let certificates = roots.der().map(Certificate::from_der).collect::<Result<Vec<_>, _>>()?;
        let client = Client::builder().cookie_store(true).redirect(redirect::Policy::none());
        let client = client.tls_certs_only(certificates).build()?;
        let visitor = Self { client, base: portal.url.clone(), user };
        visitor.post("/sign-in", "/sign-in", &[("user", user), ("password", password), ("next", "/")]).await?;
        let second = "/sign-in/second";
        visitor.post(second, second, &[("with", "passkey"), ("demo", "yes"), ("next", "/")]).await?;
        Ok(visitor)
    }

    /// One act on an application, from its page.
    pub(super) async fn act(&self, application: &str, act: &str, fields: &[(&str, &str)]) -> Result<()> {
        self.post(application, &format!("{application}/{act}"), fields).await.map(|_| ())
    }

    /// One act that counts: the form, then the demo's authenticator on the page that asks for the signature.
    pub(super) async fn sign(&self, application: &str, act: &str, fields: &[(&str, &str)]) -> Result<()> {
        let action = format!("{application}/{act}");
        let token = self.token(application).await?;
        let asked = self.send(&action, &token, fields).await?.text().await?;
        let pending = hidden(&asked, "act").ok_or_else(|| anyhow!("{action} asks {} for no signature", self.user))?;
        self.done(&action, &self.send(&action, &token, &[("act", pending), ("demo", "yes")]).await?).map(drop)
    }

    /// Opens `page` for its form's token and posts to `action`. Gives the path that the answer leads to.
    pub(super) async fn post(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> Result<String> {
        let token = self.token(page).await?;
        self.done(action, &self.send(action, &token, fields).await?)
    }

    /// The token of a page's forms.
    async fn token(&self, page: &str) -> Result<String> {
        let text = self.client.get(format!("{}{page}", self.base)).send().await?.text().await?;
        let token = hidden(&text, "csrf").ok_or_else(|| anyhow!("{page} shows {} no form", self.user))?.to_owned();
        Ok(token)
    }

    async fn send(&self, action: &str, token: &str, fields: &[(&str, &str)]) -> Result<Response> {
        let all = [[("csrf", token)].as_slice(), fields].concat();
        Ok(self.client.post(format!("{}{action}", self.base)).form(&all).send().await?)
    }

    /// Where an accepted form leads.
    fn done(&self, action: &str, answer: &Response) -> Result<String> {
        let status = answer.status();
        if status != StatusCode::SEE_OTHER {
            return Err(anyhow!("{action} was not accepted from {} ({status})", self.user));
        }
        let place = answer.headers().get("location").and_then(|place| place.to_str().ok()).unwrap_or("/");
        Ok(place.to_owned())
    }
}

/// The value of a hidden field.
fn hidden<'a>(page: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = page.split_once(&format!("name=\"{name}\" value=\""))?;
    after.split_once('"').map(|(value, _)| value)
}
