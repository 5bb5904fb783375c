//! `root/*`: what seals the root key, sealing it anew, replacing it.

use crypto_pool::root_key::Credential;
use crypto_pool::root_key::shares::{MOST_SHARES, Share};
use pki_config::ErrorCode;
use pki_config::role::Authorized;
use zeroize::Zeroizing;

use crate::api::{
    Nothing, RootAsk, RootAsked, RootConfirm, RootInfo, RootReseal, RootResealed, RootRotate, RootRotated, Unseal,
};
use crate::app::{App, Change, NewSeal};
use crate::problem::Failure;

/// `root/show`.
pub async fn show(app: App, by: Authorized, _: Nothing) -> Result<RootInfo, Failure> {
    app.root_info(&by).await
}

/// `root/ask`.
pub async fn ask(app: App, by: Authorized, ask: RootAsk) -> Result<RootAsked, Failure> {
    let change = Change::from_word(&ask.change)
        .ok_or_else(|| Failure::saying(ErrorCode::BadRequest, "change is rotate or reseal"))?;
    app.ask_root_change(&by, change).await
}

/// `root/rotate`.
pub async fn rotate(app: App, by: Authorized, ask: RootRotate) -> Result<RootRotated, Failure> {
    let none = ask.opening.passphrase.is_none() && ask.opening.shares.is_empty();
    let given = if none { None } else { Some(opening(ask.opening)?) };
    // On its own: a caller who goes away does not stop it halfway.
    let work = tokio::spawn(async move { app.rotate_root(&by, given).await });
    let wrapped = work.await.map_err(|error| Failure::inside(ErrorCode::Internal, error))??;
    Ok(RootRotated { wrapped })
}

/// `root/reseal`.
pub async fn reseal(app: App, by: Authorized, ask: RootReseal) -> Result<RootResealed, Failure> {
    let new = match (ask.shares, ask.passphrase) {
        (Some(quorum), None) => {
            NewSeal::Shares(quorum.parse().map_err(|why| Failure::saying(ErrorCode::BadRequest, why))?)
        }
        (None, Some(passphrase)) => NewSeal::Passphrase(Zeroizing::new(passphrase)),
        _ => return Err(Failure::saying(ErrorCode::BadRequest, "either shares or a passphrase")),
    };
    let (shares, confirm) = app.reseal_root(&by, opening(ask.opening)?, new).await?;
    Ok(RootResealed { shares: shares.iter().map(|share| share.to_text().to_string()).collect(), confirm })
}

/// `root/confirm`.
pub async fn confirm(app: App, by: Authorized, ask: RootConfirm) -> Result<RootInfo, Failure> {
    app.confirm_root(&by, &ask.confirm).await?;
    app.root_info(&by).await
}

/// What a caller opens the root key with.
pub(super) fn opening(ask: Unseal) -> Result<Credential, Failure> {
    match (ask.passphrase, ask.shares) {
        (Some(passphrase), shares) if shares.is_empty() => Ok(Credential::Passphrase(Zeroizing::new(passphrase))),
        (None, shares) if (1..=usize::from(MOST_SHARES)).contains(&shares.len()) => {
            let texts = shares.into_iter().map(Zeroizing::new);
            let read = texts.map(|text| Share::parse(&text)).collect::<Result<_, _>>();
            read.map(Credential::Shares).map_err(|why| Failure::saying(ErrorCode::ShareRefused, why))
        }
        _ => Err(Failure::saying(ErrorCode::BadRequest, "give the passphrase, or shares")),
    }
}
