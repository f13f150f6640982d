//! libvirt's errors as typed data.

use libvirt_protocol::{Code, Error};
use virt::error::ErrorNumber;

/// An error that libvirt was not asked about.
pub fn own(code: Code, message: impl Into<String>) -> Error {
    Error { code, number: 0, domain: "seedbed-libvirt".into(), message: message.into() }
}

/// An error as libvirt gave it.
#[expect(clippy::needless_pass_by_value, reason = "it is given to `map_err`")]
pub fn of(error: virt::error::Error) -> Error {
    let number: u32 = error.code().to_raw();
    Error {
        code: code(error.code(), error.message()),
        number,
        domain: error.domain().to_string(),
        message: error.message().to_owned(),
    }
}

/// Keeps what was found: an object may go away between the list and the look, and that is no error.
pub fn present<T>(found: impl Iterator<Item = Result<T, virt::error::Error>>) -> crate::Result<Vec<T>> {
    let found = found.map(|item| item.map_err(of));
    found.filter(|item| !item.as_ref().is_err_and(|error| error.code == Code::Missing)).collect()
}

fn code(number: ErrorNumber, message: &str) -> Code {
    match number {
        // A socket that may not be opened is a system error like any other.
        _ if message.contains("Permission denied") => Code::Denied,
        _ if message.contains("Failed to connect socket") => Code::NoConnection,
        ErrorNumber::AuthFailed
        | ErrorNumber::AuthCancelled
        | ErrorNumber::AuthUnavailable
        | ErrorNumber::AccessDenied
        | ErrorNumber::OperationDenied => Code::Denied,
        ErrorNumber::NoConnect | ErrorNumber::UnknownHost | ErrorNumber::Rpc | ErrorNumber::InvalidConn => {
            Code::NoConnection
        }
        ErrorNumber::NoDomain
        | ErrorNumber::NoNetwork
        | ErrorNumber::NoStoragePool
        | ErrorNumber::NoStorageVolume
        | ErrorNumber::DeviceMissing => Code::Missing,
        ErrorNumber::DomExist | ErrorNumber::NetworkExist | ErrorNumber::StorageVolExist => Code::Exists,
        _ if message.contains("already exists") => Code::Exists,
        ErrorNumber::ResourceBusy | ErrorNumber::OperationTimeout => Code::Busy,
        _ if message.contains("still in use") || message.contains("asynchronous jobs running") => Code::Busy,
        ErrorNumber::OperationInvalid => Code::Invalid,
        ErrorNumber::NoSupport
        | ErrorNumber::OperationUnsupported
        | ErrorNumber::ConfigUnsupported
        | ErrorNumber::ArgumentUnsupported => Code::Unsupported,
        ErrorNumber::XmlError | ErrorNumber::XmlDetail | ErrorNumber::XmlInvalidSchema => Code::Xml,
        _ => Code::Other,
    }
}
