import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AccessControlEntryFilter;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourcePatternFilter;

/** Changes ACLs as a super user's admin client does, where the suites would go to the authorizer inside the broker. */
final class Acls implements AutoCloseable {
    private final Admin admin;

    Acls(String bootstrap) {
        admin = Admin.create(Map.of("bootstrap.servers", bootstrap));
    }

    /** Adds them, and holds that they are shown together with what was there. */
    void add(Set<AccessControlEntry> entries, ResourcePattern resource) {
        Set<AccessControlEntry> wanted = entriesOf(resource);
        wanted.addAll(entries);
        done(admin.createAcls(entries.stream().map(entry -> new AclBinding(resource, entry)).toList()).all());
        verify(wanted, resource);
    }

    /** Removes them, and holds that what else was there is still shown. */
    void remove(Set<AccessControlEntry> entries, ResourcePattern resource) {
        Set<AccessControlEntry> wanted = entriesOf(resource);
        wanted.removeAll(entries);
        var filters = entries.stream().map(entry -> new AclBindingFilter(resource.toFilter(), entry.toFilter()));
        done(admin.deleteAcls(filters.toList()).all());
        verify(wanted, resource);
    }

    /** Removes all ACLs of one principal. */
    void removeAllOf(String principal) {
        AclBindingFilter filter = new AclBindingFilter(
            ResourcePatternFilter.ANY,
            new AccessControlEntryFilter(principal, null, AclOperation.ANY, AclPermissionType.ANY));
        done(admin.deleteAcls(List.of(filter)).all());
        if (!bindings(filter).isEmpty()) {
            throw new AssertionError("ACLs of " + principal + " are left: " + bindings(filter));
        }
    }

    @Override
    public void close() {
        admin.close();
    }

    private void verify(Set<AccessControlEntry> wanted, ResourcePattern resource) {
        Set<AccessControlEntry> found = entriesOf(resource);
        if (!found.equals(wanted)) {
            throw new AssertionError("ACLs of " + resource + " are " + found + ", not " + wanted);
        }
    }

    private Set<AccessControlEntry> entriesOf(ResourcePattern resource) {
        return bindings(new AclBindingFilter(resource.toFilter(), AccessControlEntryFilter.ANY)).stream()
            .map(AclBinding::entry)
            .collect(Collectors.toSet());
    }

    /** Those that match. */
    Collection<AclBinding> bindings(AclBindingFilter filter) {
        return done(admin.describeAcls(filter).values());
    }

    /** The value, or the very exception that Kafka's authorizer would have thrown. */
    private static <T> T done(KafkaFuture<T> future) {
        try {
            return future.get();
        } catch (ExecutionException failed) {
            throw failed.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(failed.getCause());
        } catch (InterruptedException interrupted) {
            throw new IllegalStateException(interrupted);
        }
    }
}
