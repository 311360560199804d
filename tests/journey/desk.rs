//! One window at which nine people sit in turn, each with cookies and a security key of their own. The keys are Chromium's virtual
//! authenticators (Web Authentication Level 3, §12): the page's own script asks them, as it asks a finger or a PIN.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::installation::{Installation, PASSWORD, Person};
use crate::browser::{Browser, DESK};

/// What a person carries away.
#[derive(Default)]
struct Carried {
    cookies: Vec<Value>,
    credentials: Vec<Value>,
}

/// Who sits there.
struct Seated {
    user: &'static str,
    authenticator: String,
}

pub(super) struct Desk {
    page: Browser,
    carried: BTreeMap<&'static str, Carried>,
    seated: Option<Seated>,
}

impl Desk {
    pub(super) async fn open(installation: &Installation) -> Self {
        let page = Browser::open(&installation.portal, DESK).await;
        page.go("/sign-in").await;
        Self { page, carried: BTreeMap::new(), seated: None }
    }

    /// Somebody leaves with cookies and key, somebody else sits down with theirs.
    pub(super) async fn sits(&mut self, person: &Person) -> &Browser {
        if self.seated.as_ref().is_some_and(|seated| seated.user == person.user) {
            return &self.page;
        }
        if let Some(Seated { user, authenticator }) = self.seated.take() {
            let key = format!("webauthn/authenticator/{authenticator}");
            let credentials = list(self.page.command(Method::GET, &format!("{key}/credentials"), None).await);
            let cookies = list(self.page.command(Method::GET, "cookie", None).await);
            self.page.command(Method::DELETE, &key, None).await;
            self.page.command(Method::DELETE, "cookie", None).await;
            self.carried.insert(user, Carried { cookies, credentials });
        }
        let kind = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
            "isUserConsenting": true, "isUserVerified": true,
        });
        let authenticator = self.page.command(Method::POST, "webauthn/authenticator", Some(kind)).await;
        let authenticator = authenticator.as_str().unwrap().to_owned();
        let Carried { cookies, credentials } = self.carried.remove(person.user).unwrap_or_default();
        for credential in credentials {
            let path = format!("webauthn/authenticator/{authenticator}/credential");
            self.page.command(Method::POST, &path, Some(credential)).await;
        }
        for mut cookie in cookies {
            // The page that is open says whose cookie it is.
            cookie.as_object_mut().unwrap().remove("domain");
            self.page.command(Method::POST, "cookie", Some(json!({ "cookie": cookie }))).await;
        }
        self.seated = Some(Seated { user: person.user, authenticator });
        self.page.go("/").await;
        &self.page
    }

    /// A person's first visit: the password, a passkey by the page's own script, recovery codes, and the request that it may sign.
    pub(super) async fn first_visit(&mut self, person: &Person, installation: &Installation) {
        let page = self.sits(person).await;
        page.give_password(person.user, PASSWORD).await;
        page.see("サインインには二つの確認が必要です").await;
        page.fill("パスキーの名前", "職員証の鍵").await;
        page.press("パスキーを登録する").await;
        page.see("この画面にしか出ない").await;
        page.follow("保管しました").await;
        page.see("職員証の鍵").await;
        if !person.signs {
            return;
        }
        page.press("署名用の登録を申し込む").await;
        signed(page).await;
        page.see("確認コード").await;
        let code = page.text_of("main .panel strong").await;
        installation.enrol(person.user, &page.value_of("申込みの文").await, &code);
    }

    /// Leaves the portal and signs in again: the password is half of it, the passkey the other.
    pub(super) async fn signs_in_again(&mut self, person: &Person) -> &Browser {
        let page = self.sits(person).await;
        page.sign_out().await;
        page.give_password(person.user, PASSWORD).await;
        page.see("二段階目の本人確認").await;
        page.press("パスキーで確認する").await;
        page.see("サインアウト").await;
        page
    }
}

/// On to the signing desk, and back with the signature of whoever sits there.
pub(super) async fn signed(page: &Browser) {
    let [to_desk, sign] = if page.lang().await == "ja" {
        ["署名台へ進む", "パスキーで署名する"]
    } else {
        ["Go to the signing desk", "Sign with a passkey"]
    };
    page.press(to_desk).await;
    page.press(sign).await;
}

fn list(value: Value) -> Vec<Value> {
    serde_json::from_value(value).unwrap()
}
