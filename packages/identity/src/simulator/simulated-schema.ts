import { type IdSchema, parseIdSchema } from '../packet/id-schema.ts'

const LOCALISED = { $ref: '#/definitions/simpleType' }
const TEXT = { type: 'string' }
const DOCUMENT = { $ref: '#/definitions/documentType' }

/** Version of {@link SIMULATED_SCHEMA_JSON}. */
export const SIMULATED_SCHEMA_VERSION = 0.1

/** An ID schema in MOSIP's form, with the fields of simulated people. */
export const SIMULATED_SCHEMA_JSON = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Keyhaven simulator identity',
  type: 'object',
  properties: {
    identity: {
      type: 'object',
      required: ['IDSchemaVersion', 'fullName', 'dateOfBirth', 'gender', 'individualBiometrics'],
      properties: {
        IDSchemaVersion: { fieldCategory: 'none', type: 'number' },
        fullName: { fieldCategory: 'kyc', ...LOCALISED },
        gender: { fieldCategory: 'pvt', ...LOCALISED },
        dateOfBirth: { fieldCategory: 'kyc', ...TEXT },
        addressLine1: { fieldCategory: 'pvt', ...LOCALISED },
        city: { fieldCategory: 'pvt', ...LOCALISED },
        region: { fieldCategory: 'pvt', ...LOCALISED },
        postalCode: { fieldCategory: 'pvt', ...TEXT },
        phone: { fieldCategory: 'kyc', ...TEXT },
        email: { fieldCategory: 'kyc', ...TEXT },
        individualBiometrics: { fieldCategory: 'pvt', $ref: '#/definitions/biometricsType' },
        proofOfIdentity: { fieldCategory: 'pvt', ...DOCUMENT },
        proofOfAddress: { fieldCategory: 'evidence', ...DOCUMENT },
        proofOfRelationship: { fieldCategory: 'optional', ...DOCUMENT },
        UIN: { fieldCategory: 'pvt', ...TEXT },
      },
    },
  },
} as const

/** What simulated people are registered with. */
export const SIMULATED_SCHEMA: IdSchema = parseIdSchema(SIMULATED_SCHEMA_JSON, SIMULATED_SCHEMA_VERSION)
