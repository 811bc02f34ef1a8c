import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;
import org.apache.kafka.common.Endpoint;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.server.authorizer.AclCreateResult;
import org.apache.kafka.server.authorizer.AclDeleteResult;
import org.apache.kafka.server.authorizer.Action;
import org.apache.kafka.server.authorizer.AuthorizableRequestContext;
import org.apache.kafka.server.authorizer.AuthorizationResult;
import org.apache.kafka.server.authorizer.Authorizer;
import org.apache.kafka.server.authorizer.AuthorizerServerInfo;

/**
 * For suites that wait until a change of ACLs has reached the authorizer inside each broker. It allows everything, as a broker
 * without one does, and shows the ACLs that doorkeeper has.
 */
public final class Mirror implements Authorizer {
    /** The property that says where a super user's admin client comes in. */
    static final String BOOTSTRAP = "doorkeeper.bootstrap";
    private String bootstrap;

    @Override
    public void configure(Map<String, ?> configuration) {
        bootstrap = (String) configuration.get(BOOTSTRAP);
    }

    @Override
    public Map<Endpoint, ? extends CompletionStage<Void>> start(AuthorizerServerInfo server) {
        var ready = CompletableFuture.<Void>completedFuture(null);
        return server.endpoints().stream().collect(Collectors.toMap(endpoint -> endpoint, endpoint -> ready));
    }

    @Override
    public List<AuthorizationResult> authorize(AuthorizableRequestContext context, List<Action> actions) {
        return actions.stream().map(action -> AuthorizationResult.ALLOWED).toList();
    }

    @Override
    public Iterable<AclBinding> acls(AclBindingFilter filter) {
        try (Acls acls = new Acls(bootstrap)) {
            return acls.bindings(filter);
        }
    }

    @Override
    public List<? extends CompletionStage<AclCreateResult>> createAcls(AuthorizableRequestContext context, List<AclBinding> bindings) {
        throw new UnsupportedOperationException("ACLs are changed through doorkeeper");
    }

    @Override
    public List<? extends CompletionStage<AclDeleteResult>> deleteAcls(AuthorizableRequestContext context, List<AclBindingFilter> filters) {
        throw new UnsupportedOperationException("ACLs are changed through doorkeeper");
    }

    @Override
    public void close() {
    }
}
