import type {
  ChainSigner,
  DirectoryClient,
  ProfileName,
  RecordedKey,
  VerifiedDevice,
  VerifiedUser,
} from '@keyhaven/directory'

export type { ProfileName, RecordedKey, VerifiedDevice, VerifiedUser }

/** A device's public signing key. */
export type DeviceVerifyKey = VerifiedDevice['signingKey']
/** What signs for a device: entries, statements, negotiations. */
export type DeviceSigner = ChainSigner

/** The part of the directory's client that messaging needs. */
export type MessagingDirectory = Pick<
  DirectoryClient,
  'lookUp' | 'recordedKeys' | 'acceptReset' | 'checkpoint' | 'compareCheckpoint'
>
