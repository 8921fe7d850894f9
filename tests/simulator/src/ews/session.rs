//! One request with its caller: whose rights it has, which mailbox it acts in, what the identifiers in it mean.
//!
//! Sources: documentation pages "Impersonation and EWS in Exchange", "Delegate access and EWS in Exchange", "DistinguishedFolderId",
//! "RequestServerVersion" (identifiers of requests without a version).

use super::envelope::{ConnectingAs, Head, Refused, text, typed};
use super::error::EwsError;
use super::soap;
use super::value::Precision;
use super::xml::{Illegal, Xml};
use crate::auth::Identity;
use crate::fault::{EwsFault, Shape as BackOffShape};
use crate::state::State;
use crate::store::{AnyId, Folder, FolderId, Guid, ItemId, Mailbox};
use roxmltree::Node;
use std::sync::Arc;

/// Codes after which Exchange does not go on with the rest of a batch (documentation page "ResponseCode").
const STOPPERS: [&str; 9] = [
    "ErrorAccessDenied",
    "ErrorAccountDisabled",
    "ErrorADUnavailable",
    "ErrorADOperation",
    "ErrorConnectionFailed",
    "ErrorMailboxStoreUnavailable",
    "ErrorMailboxMoveInProgress",
    "ErrorQuotaExceeded",
    "ErrorInsufficientResources",
];

/// One request with its caller.
#[derive(Debug)]
pub(super) struct Session {
    /// The server.
    pub state: Arc<State>,
    /// The operation's name.
    pub operation: String,
    /// The headers.
    pub head: Head,
    /// The address the request acts as.
    pub acting: String,
    /// The mailbox of that address, if it has one.
    pub mailbox: Option<Mailbox>,
    /// The faults that strike this request.
    pub faults: Vec<EwsFault>,
}

impl Session {
    /// Settles on whose behalf a request acts.
    pub fn open(state: &Arc<State>, identity: &Identity, operation: &str, head: Head) -> Result<Self, Refused> {
        let acting = acting_as(state, identity, head.connecting_as.as_ref())?;
        let mailbox = state.store.mailbox(&acting);
        let faults = state.faults.for_operation(operation, mailbox.as_ref().map(Mailbox::address));
        Ok(Self { state: state.clone(), operation: operation.to_owned(), head, acting, mailbox, faults })
    }

    /// An empty document that treats illegal characters as the server does now.
    pub fn xml(&self) -> Xml {
        Xml::new(illegal(&self.state))
    }

    /// Whether a habit of lenient servers is on.
    pub fn quirk(&self, name: &str) -> bool {
        self.state.quirks.has(name)
    }

    /// How fine times are written.
    pub fn precision(&self) -> Precision {
        if self.quirk("fine-times") {
            Precision::Nanoseconds
        } else if self.head.milliseconds {
            Precision::Milliseconds
        } else {
            Precision::Seconds
        }
    }

    /// The build that answers claim.
    pub fn build(&self) -> soap::Build {
        if self.quirk("old-version-claimed") { soap::OLD_VERSION } else { soap::VERSION }
    }

    /// The name of a notification. types.xsd puts it into the namespace of types; Exchange sends, and clients read, that of messages.
    pub fn notification(&self) -> &'static str {
        if self.quirk("notifications-as-in-the-schema") { "t:Notification" } else { "m:Notification" }
    }

    /// The mailbox the request acts in.
    pub fn own(&self) -> Result<&Mailbox, EwsError> {
        self.mailbox.as_ref().ok_or_else(|| EwsError::new("ErrorNonExistentMailbox", "The SMTP address has no mailbox associated with it."))
    }

    fn may_open(&self, mailbox: &Mailbox) -> bool {
        let own = self.mailbox.as_ref().is_some_and(|own| own.guid() == mailbox.guid());
        own || self.state.accounts.of(&self.acting).is_some_and(|account| account.may_open(mailbox.address()))
    }

    /// The mailbox an identifier names, if the caller may open it.
    pub fn mailbox_of(&self, guid: Guid) -> Result<Mailbox, EwsError> {
        let mailbox = self.state.store.mailbox_of(guid).ok_or_else(EwsError::item_not_found)?;
        if self.may_open(&mailbox) {
            Ok(mailbox)
        } else if self.quirk("foreign-ids-invalid") {
            Err(EwsError::new("ErrorInvalidId", "The id is invalid."))
        } else {
            Err(EwsError::access_denied())
        }
    }

    /// The mailbox of an address given in a request, if the caller may open it.
    fn mailbox_at(&self, address: &str) -> Result<Mailbox, EwsError> {
        let mailbox = self
            .state
            .store
            .mailbox(address)
            .ok_or_else(|| EwsError::new("ErrorNonExistentMailbox", "No mailbox with such guid or address."))?;
        if !mailbox.address().eq_ignore_ascii_case(address) {
            return Err(not_primary(&mailbox));
        }
        if self.may_open(&mailbox) { Ok(mailbox) } else { Err(EwsError::access_denied()) }
    }

    fn parse_id(&self, node: Node<'_, '_>) -> Result<AnyId, EwsError> {
        let id = node.attribute("Id").unwrap_or_default();
        if id.is_empty() {
            return Err(EwsError::new("ErrorInvalidIdEmpty", "Id must be non-empty."));
        }
        if !self.head.is_at_least("Exchange2007_SP1") {
            return Err(EwsError::new(
                "ErrorInvalidIdMalformedEwsLegacyIdFormat",
                "The EWS Id is in EwsLegacyId format which is not supported by the Exchange version specified by your request. Please use the ConvertId method to convert from EwsLegacyId to EwsId format.",
            ));
        }
        AnyId::parse(id).map_err(|_| EwsError::malformed_id())
    }

    /// The mailbox and number of an ItemId element.
    pub fn item_id(&self, node: Node<'_, '_>) -> Result<(Mailbox, ItemId), EwsError> {
        if node.tag_name().name() != "ItemId" {
            return Err(EwsError::invalid_operation("Occurrences of recurring items are not held by this server."));
        }
        match self.parse_id(node)? {
            AnyId::Item(id) => Ok((self.mailbox_of(id.mailbox)?, id)),
            AnyId::Folder(_) => Err(EwsError::new("ErrorCannotUseFolderIdForItemId", "Id must be an item id, and it is a folder id.")),
        }
    }

    /// The folder a FolderId or DistinguishedFolderId element names.
    pub fn folder(&self, node: Node<'_, '_>) -> Result<(Mailbox, Folder), EwsError> {
        match node.tag_name().name() {
            "FolderId" => match self.parse_id(node)? {
                AnyId::Folder(id) => self.folder_by_id(id),
                AnyId::Item(_) => Err(EwsError::new("ErrorCannotUseItemIdForFolderId", "Id must be a folder id, and it is an item id.")),
            },
            "DistinguishedFolderId" => self.distinguished(node),
            other => Err(EwsError::invalid_operation(format!("{other} is not supported here."))),
        }
    }

    fn folder_by_id(&self, id: FolderId) -> Result<(Mailbox, Folder), EwsError> {
        let mailbox = self.mailbox_of(id.mailbox)?;
        let folder = mailbox.folder(id)?;
        Ok((mailbox, folder))
    }

    fn distinguished(&self, node: Node<'_, '_>) -> Result<(Mailbox, Folder), EwsError> {
        let name = node.attribute("Id").unwrap_or_default().trim();
        let address = typed(node, "Mailbox").and_then(|mailbox| typed(mailbox, "EmailAddress"));
        let mailbox = match address {
            Some(address) => self.mailbox_at(text(address).trim())?,
            None => self.own()?.clone(),
        };
        if name.starts_with("archive") && name != "archive" && !mailbox.has_archive() {
            return Err(EwsError::new("ErrorArchiveMailboxNotEnabled", "The archive mailbox is not enabled for this user."));
        }
        let id = mailbox.root_folder(name).ok_or_else(EwsError::folder_not_found)?;
        let folder = mailbox.folder(id)?;
        Ok((mailbox, folder))
    }

    /// The folder inside a ToFolderId, ParentFolderId or SyncFolderId element.
    pub fn target(&self, node: Option<Node<'_, '_>>) -> Result<(Mailbox, Folder), EwsError> {
        let inner = node.and_then(|node| node.first_element_child());
        self.folder(inner.ok_or_else(EwsError::folder_not_found)?)
    }

    /// The error that a fault puts in place of every response message.
    pub fn fault_for_all(&self) -> Option<EwsError> {
        self.faults.iter().find_map(|fault| match fault {
            EwsFault::ResponseError { code, message, back_off_ms, shape } => {
                Some(throttled(code, message.as_deref(), *back_off_ms, *shape))
            }
            _ => None,
        })
    }

    /// The error that a fault puts in place of one response message of a batch.
    fn fault_at(&self, position: usize) -> Option<EwsError> {
        self.faults.iter().find_map(|fault| match fault {
            EwsFault::ItemError { code, message, back_off_ms, positions } if positions.is_empty() || positions.contains(&position) => {
                Some(throttled(code, message.as_deref(), *back_off_ms, BackOffShape::Message))
            }
            EwsFault::BatchStopped { after } if position >= *after => Some(batch_stopped()),
            _ => None,
        })
    }

    /// One response message a subject, in order; faults strike here, and some errors stop the rest.
    pub fn batch<T>(&self, subjects: impl IntoIterator<Item = T>, mut work: impl FnMut(&mut Xml, T) -> Result<(), EwsError>) -> Xml {
        let mut out = self.xml();
        let mut stopped = false;
        let everywhere = self.fault_for_all();
        for (position, subject) in subjects.into_iter().enumerate() {
            let mut content = self.xml();
            let done = if stopped {
                Err(batch_stopped())
            } else if let Some(error) = everywhere.clone().or_else(|| self.fault_at(position)) {
                Err(error)
            } else {
                work(&mut content, subject)
            };
            stopped |= done.as_ref().is_err_and(|error| STOPPERS.contains(&error.code.as_str()));
            self.message(&mut out, done.map(|()| content));
        }
        out
    }

    /// The one response message of an operation that has only one.
    pub fn single(&self, work: impl FnOnce(&mut Xml) -> Result<(), EwsError>) -> Xml {
        let mut work = Some(work);
        self.batch([()], |xml, ()| match work.take() {
            Some(work) => work(xml),
            None => Ok(()),
        })
    }

    /// A response message: content, or an error with what the schema asks of it even so.
    pub fn message(&self, out: &mut Xml, done: Result<Xml, EwsError>) {
        let nameless = self.operation == "GetEvents" && self.quirk("nameless-pull-answers");
        let name = if nameless { "m:x".to_owned() } else { soap::message_name(&self.operation) };
        match done {
            Ok(content) => {
                soap::open_named(out, &name, Ok(()));
                out.append(content);
            }
            Err(error) => {
                self.state.counters.add(&format!("ews.error.{}", error.code), 1);
                soap::open_named(out, &name, Err(&error));
                out.raw(remainder(&self.operation));
            }
        }
        out.close(&name);
    }
}

/// What the schema asks of a response message that is an error.
fn remainder(operation: &str) -> &'static str {
    match operation {
        "GetItem" | "CreateItem" | "UpdateItem" | "MoveItem" | "CopyItem" => "<m:Items/>",
        "GetFolder" | "CreateFolder" | "UpdateFolder" | "MoveFolder" => "<m:Folders/>",
        "GetAttachment" => "<m:Attachments/>",
        "GetServerTimeZones" => "<m:TimeZoneDefinitions/>",
        "SyncFolderItems" => "<m:SyncState/><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>",
        "SyncFolderHierarchy" => "<m:SyncState/><m:IncludesLastFolderInRange>true</m:IncludesLastFolderInRange>",
        _ => "",
    }
}

/// How illegal characters are treated now.
pub(super) fn illegal(state: &State) -> Illegal {
    if state.quirks.has("control-references") {
        Illegal::Referenced
    } else if state.quirks.has("controls-become-question-marks") {
        Illegal::Questioned
    } else {
        Illegal::Replaced
    }
}

/// The warning in place of what was not processed.
fn batch_stopped() -> EwsError {
    let mut error = EwsError::new("ErrorBatchProcessingStopped", "The batch was stopped by an earlier error; this was not processed.");
    error.warning = true;
    error
}

/// An error with a back-off in one of the shapes seen from Exchange (documentation page "EWS throttling in Exchange").
fn throttled(code: &str, message: Option<&str>, back_off: Option<u64>, shape: BackOffShape) -> EwsError {
    let told = match (message, code) {
        (Some(message), _) => message.to_owned(),
        (None, "ErrorServerBusy") => "The server cannot service this request right now. Try again later.".to_owned(),
        (None, code) => format!("The operation failed with {code}."),
    };
    let wait = back_off.unwrap_or(0);
    match shape {
        BackOffShape::Message => {
            let error = EwsError::new(code, told);
            match back_off {
                Some(wait) => error.with("BackOffMilliseconds", wait),
                None => error,
            }
        }
        BackOffShape::Policy => EwsError::new(code, told)
            .with("Policy", "MaxConcurrency")
            .with("MaxConcurrencyLimit", 27)
            .with("ErrorMessage", format!("The budget allows no further request now. Suggested backoff time {wait} ms.")),
        BackOffShape::Inner => EwsError::new("ErrorInternalServerError", "An internal server error occurred. The operation failed.")
            .with("InnerErrorMessageText", told)
            .with("InnerErrorResponseCode", code)
            .with("InnerErrorDescriptiveLinkKey", 0)
            .with("BackOffMilliseconds", wait),
    }
}

fn not_primary(mailbox: &Mailbox) -> EwsError {
    EwsError::new(
        "ErrorNonPrimarySmtpAddress",
        format!("The primary SMTP address must be specified when referencing a mailbox: {}.", mailbox.address()),
    )
    .with("Primary", mailbox.address())
}

/// The address a request acts as: the caller's own, or the one it impersonates if it may.
fn acting_as(state: &State, identity: &Identity, wanted: Option<&ConnectingAs>) -> Result<String, EwsError> {
    let Some(wanted) = wanted else {
        return match identity {
            Identity::User { account } => Ok(account.clone()),
            Identity::App { .. } => Err(EwsError::new(
                "ErrorInvalidExchangeImpersonationHeaderData",
                "ExchangeImpersonation SOAP header must be present for this type of OAuth token.",
            )),
        };
    };
    if let Identity::User { account } = identity
        && !state.accounts.of(account).is_some_and(|account| account.impersonate)
    {
        return Err(EwsError::new("ErrorImpersonateUserDenied", "The account does not have permission to impersonate the requested user."));
    }
    let mailbox = impersonated(state, wanted)?;
    if let Identity::App { client_id, .. } = identity
        && !state.accounts.app(client_id).is_some_and(|app| app.may_open(mailbox.address()))
    {
        return Err(EwsError::access_denied());
    }
    Ok(mailbox.address().to_owned())
}

fn impersonated(state: &State, wanted: &ConnectingAs) -> Result<Mailbox, EwsError> {
    let absent = || EwsError::new("ErrorNonExistentMailbox", "The SMTP address has no mailbox associated with it.");
    match wanted {
        ConnectingAs::Address(address) => state.store.mailbox(address).ok_or_else(absent),
        ConnectingAs::Primary(address) => {
            let mailbox = state.store.mailbox(address).ok_or_else(absent)?;
            if mailbox.address().eq_ignore_ascii_case(address) { Ok(mailbox) } else { Err(not_primary(&mailbox)) }
        }
        ConnectingAs::Principal(name) => {
            state.store.mailbox(name).ok_or_else(|| EwsError::new("ErrorInvalidUserPrincipalName", "The user principal name is unknown."))
        }
        ConnectingAs::Sid(sid) => state
            .store
            .mailboxes()
            .into_iter()
            .find(|mailbox| security_identifier(mailbox.guid()) == *sid)
            .ok_or_else(|| EwsError::new("ErrorInvalidSid", "The security identifier is unknown.")),
    }
}

/// The security identifier of a mailbox's owner, made from the mailbox's identity (form of MS-DTYP 2.4.2.1).
pub(super) fn security_identifier(guid: Guid) -> String {
    let mut text = String::from("S-1-5-21");
    for part in guid.0.chunks_exact(4) {
        let number = part.iter().fold(0u32, |number, byte| number << 8 | u32::from(*byte));
        text.push_str(&format!("-{number}"));
    }
    text
}
