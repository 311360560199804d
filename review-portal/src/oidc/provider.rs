//! One institution's OpenID provider: where to send people, and what its answer is worth.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod,
    CoreGrantType, CoreIdToken, CoreIdTokenClaims, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType,
    CoreSubjectIdentifierType,
};
use openidconnect::{
    AdditionalProviderMetadata, AuthType, AuthenticationContextClass, AuthorizationCode, ClaimsVerificationError,
    ClientId, ClientSecret, CsrfToken, DiscoveryError, EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, ProviderMetadata, RedirectUrl, RequestTokenError, TokenResponse,
};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::config::{InstitutionConfig, InstitutionError, InstitutionId};
use super::http::Web;
use super::links::Subject;
use super::{Answer, OidcError, Pending, Purpose};
use crate::language::Language;
use crate::private_file;

/// What a provider says of itself is asked for again after this time.
const KEEP_MAX: SignedDuration = SignedDuration::from_mins(10);

/// A provider that did not answer is left alone for this time, however many people try.
const REST: SignedDuration = SignedDuration::from_secs(10);

/// Keys are asked for again if a signature does not fit and they are older than this.
const KEYS_MIN: SignedDuration = SignedDuration::from_secs(30);

/// How old a token may be when it comes, and how far the provider's clock may be ahead.
const AGE_MAX: i64 = 600; // seconds
const AHEAD_MAX: i64 = 60; // seconds

/// Signatures that anybody can check: none by a shared secret, none without a key.
const SIGNATURES: [CoreJwsSigningAlgorithm; 6] = [
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
];

/// What the library does not read of a provider's description (RFC 9207, section 3).
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Answers {
    #[serde(default, rename = "authorization_response_iss_parameter_supported")]
    says_who: bool,
}

impl AdditionalProviderMetadata for Answers {}

type Description = ProviderMetadata<
    Answers,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

type Party =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// What is known of a provider, and since when.
#[derive(Clone, Default)]
enum Known {
    Described(Arc<Description>, Timestamp),
    #[default]
    Nothing,
    Silent(Timestamp),
}

/// An institution and its provider.
pub(crate) struct Provider {
    pub(crate) id: InstitutionId,
    name_ja: String,
    name_en: String,
    issuer: IssuerUrl,
    client_id: ClientId,
    secret: SecretString,
    redirect: RedirectUrl,
    acr: Vec<String>,
    amr: Vec<String>,
    web: Web,
    known: Mutex<Known>,
}

impl Provider {
    /// `origin`: where people reach the portal.
    pub(super) fn open(config: &InstitutionConfig, origin: &str) -> Result<Self, InstitutionError> {
        let id = || config.id.clone();
        let issuer = IssuerUrl::new(config.issuer.clone()).map_err(|_| InstitutionError::Issuer { id: id() })?;
        let place = issuer.url();
        // OpenID Connect Discovery 1.0, section 3: no query and no fragment.
        if place.host_str().is_none() || place.query().is_some() || place.fragment().is_some() {
            return Err(InstitutionError::Issuer { id: id() });
        }
        let web = Web::open(config, place)?;
        let secret = private_file::first_line(&config.client_secret_file);
        let secret = secret.map_err(|cause| InstitutionError::Secret { id: id(), cause })?;
        if secret.expose_secret().is_empty() {
            return Err(InstitutionError::SecretEmpty { id: id() });
        }
        let redirect = RedirectUrl::new(format!("{origin}/sign-in/institution/{}", config.id));
        Ok(Self {
            id: id(),
            name_ja: config.name_ja.clone(),
            name_en: config.name_en.clone(),
            redirect: redirect.map_err(|_| InstitutionError::Issuer { id: id() })?,
            client_id: ClientId::new(config.client_id.clone()),
            secret,
            acr: config.acr.clone(),
            amr: config.amr.clone(),
            issuer,
            web,
            known: Mutex::default(),
        })
    }

    pub(crate) fn issuer(&self) -> &str {
        self.issuer.as_str()
    }

    pub(crate) fn name(&self, language: Language) -> &str {
        match language {
            Language::En => &self.name_en,
            Language::Ja => &self.name_ja,
        }
    }

    /// Where to send a person, and what to keep for the answer.
    pub(crate) async fn ask(&self, purpose: Purpose, now: Timestamp) -> Result<(Url, Pending), OidcError> {
        let description = self.description(KEEP_MAX, now).await?;
        let party = self.party(&description);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        // `openid` alone is asked for: no name, no mail address.
        let mut request =
            party.authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random);
        for class in &self.acr {
            request = request.add_auth_context_value(AuthenticationContextClass::new(class.clone()));
        }
        let (address, state, nonce) = request.set_pkce_challenge(challenge).url();
        if !self.web.may_go(&address) {
            return Err(OidcError::Refused);
        }
        let pending = Pending {
            institution: self.id.clone(),
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
            purpose,
            at: now,
        };
        Ok((address, pending))
    }

    /// Who the answer is from, if it is one to what was asked.
    pub(crate) async fn hear(&self, pending: &Pending, answer: &Answer, now: Timestamp) -> Result<Subject, OidcError> {
        let description = self.description(KEEP_MAX, now).await?;
        match answer.iss.as_deref() {
            Some(issuer) if issuer != self.issuer() => return Err(OidcError::Issuer),
            None if description.additional_metadata().says_who => return Err(OidcError::Issuer),
            Some(_) | None => {}
        }
        let code = match (&answer.code, answer.error.as_deref()) {
            (Some(code), None) => AuthorizationCode::new(code.clone()),
            (_, Some("access_denied")) => return Err(OidcError::Denied),
            (_, Some("temporarily_unavailable" | "server_error")) => return Err(OidcError::Unreachable),
            (_, _) => return Err(OidcError::Refused),
        };
        let token = self.redeem(&description, code, &pending.verifier).await?;
        let nonce = Nonce::new(pending.nonce.clone());
        let party = self.party(&description);
        match self.believe(&party, &token, &nonce, now) {
            // The provider may have changed its keys since it described itself.
            Err(OidcError::Signature) => {
                let fresh = self.description(KEYS_MIN, now).await?;
                self.believe(&self.party(&fresh), &token, &nonce, now)
            }
            heard => heard,
        }
    }

    /// The token that the provider gives for the code, over a connection of our own.
    async fn redeem(
        &self,
        description: &Description,
        code: AuthorizationCode,
        verifier: &str,
    ) -> Result<CoreIdToken, OidcError> {
        let party = self.party(description);
        let request = party.exchange_code(code).map_err(|_| OidcError::Refused)?;
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()));
        let answer = request.request_async(&self.web).await.map_err(|error| match error {
            RequestTokenError::Request(_) => OidcError::Unreachable,
            RequestTokenError::ServerResponse(_) => OidcError::Refused,
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => OidcError::Token,
        })?;
        answer.id_token().cloned().ok_or(OidcError::Token)
    }

    /// Checks the token (OpenID Connect Core 1.0, section 3.1.3.7).
    fn believe(&self, party: &Party, token: &CoreIdToken, nonce: &Nonce, now: Timestamp) -> Result<Subject, OidcError> {
        let verifier = party.id_token_verifier().set_allowed_algs(SIGNATURES);
        let claims = token.claims(&verifier, nonce).map_err(|error| match error {
            ClaimsVerificationError::Expired(_) => OidcError::Expired,
            ClaimsVerificationError::InvalidAudience(_) => OidcError::Audience,
            ClaimsVerificationError::InvalidAuthContext(_) => OidcError::TooWeak,
            ClaimsVerificationError::InvalidIssuer(_) => OidcError::Issuer,
            ClaimsVerificationError::InvalidNonce(_) => OidcError::Nonce,
            ClaimsVerificationError::SignatureVerification(_) => OidcError::Signature,
            ClaimsVerificationError::InvalidAuthTime(_)
            | ClaimsVerificationError::InvalidSubject(_)
            | ClaimsVerificationError::Other(_)
            | ClaimsVerificationError::Unsupported(_)
            | _ => OidcError::Token,
        })?;
        if claims.authorized_party().is_some_and(|party| *party != self.client_id) {
            return Err(OidcError::Audience);
        }
        let age = now.as_second().saturating_sub(claims.issue_time().timestamp());
        if !(-AHEAD_MAX..=AGE_MAX).contains(&age) {
            return Err(OidcError::Expired);
        }
        if !self.is_strong(claims) {
            return Err(OidcError::TooWeak);
        }
        Ok(Subject { issuer: self.issuer().to_owned(), subject: claims.subject().as_str().to_owned() })
    }

    /// Whether the provider confirms what the operator asks for: one of the classes, and each of the ways.
    fn is_strong(&self, claims: &CoreIdTokenClaims) -> bool {
        let class = claims.auth_context_ref().map(|class| class.as_str());
        let classes = self.acr.is_empty() || self.acr.iter().any(|wanted| class == Some(wanted.as_str()));
        let ways = claims.auth_method_refs().map(Vec::as_slice).unwrap_or_default();
        classes && self.amr.iter().all(|wanted| ways.iter().any(|way| way.as_str() == wanted))
    }

    /// The portal as the provider knows it.
    fn party(&self, description: &Description) -> Party {
        let secret = ClientSecret::new(self.secret.expose_secret().to_owned());
        let party = CoreClient::from_provider_metadata(description.clone(), self.client_id.clone(), Some(secret));
        let ways = description.token_endpoint_auth_methods_supported();
        let knows = |way| ways.is_some_and(|ways| ways.contains(&way));
        // Without a word of the provider it is the header (OpenID Connect Discovery 1.0, section 3).
        let by_body = knows(CoreClientAuthMethod::ClientSecretPost) && !knows(CoreClientAuthMethod::ClientSecretBasic);
        let way = if by_body { AuthType::RequestBody } else { AuthType::BasicAuth };
        party.set_redirect_uri(self.redirect.clone()).set_auth_type(way)
    }

    /// What the provider says of itself and which keys it has, not older than `age_max`.
    async fn description(&self, age_max: SignedDuration, now: Timestamp) -> Result<Arc<Description>, OidcError> {
        match self.known() {
            Known::Described(description, at) if now.duration_since(at) < age_max => return Ok(description),
            Known::Silent(at) if now.duration_since(at) < REST => return Err(OidcError::Unreachable),
            Known::Described(..) | Known::Nothing | Known::Silent(_) => {}
        }
        let described = Description::discover_async(self.issuer.clone(), &self.web).await;
        let described = described.map(Arc::new).map_err(|error| match error {
            DiscoveryError::Validation(_) => OidcError::Issuer,
            DiscoveryError::Other(_)
            | DiscoveryError::Parse(_)
            | DiscoveryError::Request(_)
            | DiscoveryError::Response(..)
            | DiscoveryError::UrlParse(_)
            | _ => OidcError::Unreachable,
        });
        let known = match &described {
            Ok(description) => Known::Described(Arc::clone(description), now),
            Err(_) => Known::Silent(now),
        };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
        described
    }

    fn known(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("id", &self.id).finish_non_exhaustive()
    }
}
