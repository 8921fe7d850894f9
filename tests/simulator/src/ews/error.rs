//! What goes wrong, in the terms of the protocol: a code, a sentence, and values for programs.

use super::schema::Violation;
use crate::store::StoreError;

/// An error of one response message, or of a whole request when it is thrown as a SOAP fault.
///
/// Codes are those of the documentation page "ResponseCode".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EwsError {
    /// The response code, such as `ErrorItemNotFound`.
    pub code: String,
    /// The sentence that goes with it.
    pub text: String,
    /// Named values of `MessageXml`.
    pub values: Vec<(String, String)>,
    /// A warning rather than an error.
    pub warning: bool,
}

impl EwsError {
    /// An error with this code and sentence.
    pub fn new(code: &str, text: impl Into<String>) -> Self {
        Self { code: code.to_owned(), text: text.into(), values: Vec::new(), warning: false }
    }

    /// Adds a named value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.values.push((name.to_owned(), value.to_string()));
        self
    }

    /// No such item, or not for the caller.
    pub fn item_not_found() -> Self {
        Self::new("ErrorItemNotFound", "The specified object was not found in the store.")
    }

    /// No such folder, or not for the caller.
    pub fn folder_not_found() -> Self {
        Self::new("ErrorFolderNotFound", "The specified folder could not be found in the store.")
    }

    /// The identifier's text was never given out.
    pub fn malformed_id() -> Self {
        Self::new("ErrorInvalidIdMalformed", "Id is malformed.")
    }

    /// The caller may not.
    pub fn access_denied() -> Self {
        Self::new("ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    }

    /// The request cannot be served in this form.
    pub fn invalid_request(text: impl Into<String>) -> Self {
        Self::new("ErrorInvalidRequest", text)
    }

    /// The operation cannot be done on this object.
    pub fn invalid_operation(text: impl Into<String>) -> Self {
        Self::new("ErrorInvalidOperation", text)
    }

    /// A sync state that is damaged, of another folder or too old.
    pub fn invalid_sync_state() -> Self {
        Self::new("ErrorInvalidSyncStateData", "Synchronization state data is corrupt or otherwise invalid.")
    }
}

impl From<Violation> for EwsError {
    fn from(violation: Violation) -> Self {
        Self::new("ErrorSchemaValidation", format!("The request failed schema validation: {}", violation.text))
            .with("LineNumber", violation.line)
            .with("LinePosition", violation.column)
            .with("Violation", violation.text)
    }
}

impl From<StoreError> for EwsError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::ItemNotFound => Self::item_not_found(),
            StoreError::FolderNotFound => Self::folder_not_found(),
            StoreError::FolderExists => Self::new("ErrorFolderExists", "A folder with the specified name already exists."),
            StoreError::WellKnownFolder => {
                Self::new("ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted, renamed or moved.")
            }
            StoreError::FolderCycle => Self::new("ErrorMoveCopyFailed", "A folder cannot be moved below itself."),
            StoreError::SearchFolder => {
                Self::new("ErrorInvalidFolderTypeForOperation", "The operation cannot be performed on a search folder.")
            }
            StoreError::PositionUnknown => Self::invalid_sync_state(),
        }
    }
}
