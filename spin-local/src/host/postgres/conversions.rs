//! Conversions from the latest interface to an earlier one, which has some of its types, the same cases of
//! errors, and a text instead of an error of the server.

/// Implements the conversions to the types of an interface that has the named types of values. `Error`,
/// `DbValue`, `DbDataType`, `Column`, `RowSet`, `version_4` and `text_of` are those of the module that calls
/// this.
macro_rules! conversions_from_version_4 {
    ($($kind:ident),+ $(,)?) => {
        impl From<version_4::Error> for Error {
            fn from(error: version_4::Error) -> Self {
                match error {
                    version_4::Error::ConnectionFailed(text) => Self::ConnectionFailed(text),
                    version_4::Error::BadParameter(text) => Self::BadParameter(text),
                    version_4::Error::QueryFailed(error) => Self::QueryFailed(text_of(error)),
                    version_4::Error::ValueConversionFailed(text) => {
                        Self::ValueConversionFailed(text)
                    }
                    version_4::Error::Other(text) => Self::Other(text),
                }
            }
        }

        impl From<version_4::DbValue> for DbValue {
            fn from(value: version_4::DbValue) -> Self {
                match value {
                    $(version_4::DbValue::$kind(value) => Self::$kind(value),)+
                    version_4::DbValue::DbNull => Self::DbNull,
                    _ => Self::Unsupported,
                }
            }
        }

        impl From<version_4::DbDataType> for DbDataType {
            fn from(kind: version_4::DbDataType) -> Self {
                match kind {
                    $(version_4::DbDataType::$kind => Self::$kind,)+
                    _ => Self::Other,
                }
            }
        }

        impl From<version_4::RowSet> for RowSet {
            fn from(result: version_4::RowSet) -> Self {
                let columns = result.columns.into_iter().map(|column| Column {
                    name: column.name,
                    data_type: column.data_type.into(),
                });
                let rows = result.rows.into_iter();
                let values =
                    |row: Vec<version_4::DbValue>| row.into_iter().map(Into::into).collect();
                Self {
                    columns: columns.collect(),
                    rows: rows.map(values).collect(),
                }
            }
        }
    };
}

pub(super) use conversions_from_version_4;
