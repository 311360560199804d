// Asks the browser's passkey for what a form needs, fills its fields and sends it. Forms say what in data attributes:
//   data-passkey="get|create", data-challenge, data-rp-id, data-credentials (spaces between); for create also data-user,
//   data-user-id. Values are base64url. What is to be shown when nothing comes of it stands in the form, hidden.
"use strict";
(() => {
  const decode = (text) => {
    const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
  };
  const encode = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const listed = (form) =>
    (form.dataset.credentials || "").split(" ").filter(Boolean).map((id) => ({ type: "public-key", id: decode(id) }));

  const get = (form) =>
    navigator.credentials.get({
      publicKey: {
        challenge: decode(form.dataset.challenge),
        rpId: form.dataset.rpId,
        allowCredentials: listed(form),
        userVerification: "required",
        timeout: 240000,
      },
    });
  const create = (form) =>
    navigator.credentials.create({
      publicKey: {
        challenge: decode(form.dataset.challenge),
        rp: { id: form.dataset.rpId, name: "Sudare" },
        user: { id: decode(form.dataset.userId), name: form.dataset.user, displayName: form.dataset.user },
        pubKeyCredParams: [{ type: "public-key", alg: -7 }, { type: "public-key", alg: -8 }],
        authenticatorSelection: { residentKey: "preferred", userVerification: "required" },
        excludeCredentials: listed(form),
        attestation: "none",
        timeout: 240000,
      },
    });

  const fill = (form, name, buffer) => {
    form.elements.namedItem(name).value = encode(buffer);
  };
  const answer = async (form) => {
    if (form.dataset.passkey === "create") {
      const made = await create(form);
      fill(form, "client_data", made.response.clientDataJSON);
      fill(form, "attestation", made.response.attestationObject);
    } else {
      const signed = await get(form);
      fill(form, "credential", signed.rawId);
      fill(form, "client_data", signed.response.clientDataJSON);
      fill(form, "authenticator_data", signed.response.authenticatorData);
      fill(form, "signature", signed.response.signature);
    }
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const button = form.querySelector("button[data-use]");
    const problem = form.querySelector("[role=alert]");
    if (!window.PublicKeyCredential || !button) continue;
    // A passkey is its domain's: at another address of the same portal the browser would refuse.
    const here = `.${location.hostname}`;
    if (!here.endsWith(`.${form.dataset.rpId}`)) {
      form.querySelector("[data-elsewhere]").hidden = false;
      continue;
    }
    button.hidden = false;
    button.addEventListener("click", async (event) => {
      event.preventDefault();
      if (!form.reportValidity()) return;
      button.disabled = true;
      try {
        await answer(form);
        form.submit();
      } catch {
        problem.hidden = false;
        button.disabled = false;
      }
    });
  }
})();
