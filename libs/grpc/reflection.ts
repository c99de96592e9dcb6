import { type DescFile, type DescService, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { ReflectionService } from '@grpc/reflection';
import { service as healthService } from 'grpc-health-check';

/** Lets grpcurl and its like ask what `services` offer; file names are those of `proto/`. */
export function reflection(services: readonly DescService[]): ReflectionService {
  const files = new Map<string, Buffer>();
  for (const { file } of services) addFile(files, file);
  const packages = { queqiao: described([...files.values()]), health: described(healthFiles()) };
  return new ReflectionService(packages, {
    services: [...services.map(({ typeName }) => typeName), 'grpc.health.v1.Health'],
  });
}

function addFile(files: Map<string, Buffer>, { proto, dependencies }: DescFile): void {
  if (files.has(proto.name)) return;
  files.set(proto.name, Buffer.from(toBinary(FileDescriptorProtoSchema, proto)));
  for (const dependency of dependencies) addFile(files, dependency);
}

/** The health service comes with its own descriptors, made by grpc's loader. */
function healthFiles(): Buffer[] {
  const { requestType } = healthService['Check'] as unknown as { requestType: Described };
  return requestType.fileDescriptorProtos;
}

/** Of a package's definition, reflection reads only this. */
function described(fileDescriptorProtos: Buffer[]): PackageMember {
  const definition: Described = { fileDescriptorProtos };
  return definition as unknown as PackageMember;
}

type Described = { fileDescriptorProtos: Buffer[] };

type PackageMember = ConstructorParameters<typeof ReflectionService>[0][string];
