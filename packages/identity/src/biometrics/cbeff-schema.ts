/** Namespace of every element of a CBEFF file: ISO/IEC 19785-3, second edition. */
export const CBEFF_NAMESPACE = 'http://standards.iso.org/iso-iec/19785/-3/ed-2/'

/** A person's whole file: ten fingers, two eyes and a face as images, with signatures, stay under 2 MB. */
export const MAX_CBEFF_BYTES = 16 * 1024 * 1024
/** Ten fingers, two eyes, a face; twice over. */
export const MAX_BIRS = 26
export const MAX_CBEFF_DEPTH = 8
export const MAX_CBEFF_ELEMENTS = 4_096
/** Of one element: a `key`, and declarations of name spaces. */
export const MAX_CBEFF_ATTRIBUTES = 32
/** Of a value, as written. */
export const MAX_CBEFF_ATTRIBUTE_CHARACTERS = 1_024
/** Of text that is not a data block, a security block or an entry of `others`. */
export const MAX_CBEFF_TEXT_CHARACTERS = 256

/** Elements that may be there and that MOSIP does not fill. */
const SKIPPED_OF_BIR = ['SBInfo']
const SKIPPED_OF_BDB_INFO = [
  'ChallengeResponse',
  'Index',
  'Encryption',
  'NotValidBefore',
  'NotValidAfter',
  'Product',
  'CaptureDevice',
  'FeatureExtractionAlgorithm',
  'ComparisonAlgorithm',
  'CompressionAlgorithm',
]

/** The children that an element may have; others are refused. */
export const CBEFF_CHILDREN: Readonly<Record<string, readonly string[]>> = {
  BIR: [
    'Version',
    'CBEFFVersion',
    'BIRInfo',
    'BDBInfo',
    'BDB',
    'SB',
    'others',
    'Others',
    'BIR',
    ...SKIPPED_OF_BIR,
  ],
  Version: ['Major', 'Minor'],
  CBEFFVersion: ['Major', 'Minor'],
  BIRInfo: ['Creator', 'Index', 'Payload', 'Integrity', 'CreationDate', 'NotValidBefore', 'NotValidAfter'],
  BDBInfo: [
    'Format',
    'CreationDate',
    'Type',
    'Subtype',
    'Level',
    'Purpose',
    'Quality',
    ...SKIPPED_OF_BDB_INFO,
  ],
  Format: ['Organization', 'Type'],
  Product: ['Organization', 'Type'],
  CaptureDevice: ['Organization', 'Type'],
  FeatureExtractionAlgorithm: ['Organization', 'Type'],
  ComparisonAlgorithm: ['Organization', 'Type'],
  CompressionAlgorithm: ['Organization', 'Type'],
  Algorithm: ['Organization', 'Type'],
  Quality: ['Algorithm', 'Score', 'QualityCalculationFailed'],
  SBInfo: ['Format'],
  others: ['entry'],
  Others: ['Key', 'Value'],
}

/** Elements that may stand more than once in their parent. */
export const CBEFF_REPEATED: readonly string[] = ['BIR', 'Others', 'entry']
/** Elements whose text may be long. */
export const CBEFF_LONG: readonly string[] = ['BDB', 'SB', 'entry', 'Payload', 'Value']
